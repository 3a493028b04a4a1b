"""Figures of lists, over any days and in any zone, are those of the plain fold."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.buckets import Range, midnight
from infra.eventstore.store import RecordedEvent
from projections.analytics.read import rollups
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FiguresOfCreator,
    creator_figures,
    page_of_creators,
    sorted_creators,
)
from projections.analytics.read.creators.totals import with_first_days
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import series_by_entity
from projections.analytics.read.videos.figures import (
    FiguresOfVideo,
    VideoFigure,
    video_figures,
    videos_by_figure,
)
from projections.analytics.read.videos.levels import VideoSet
from projections.engine.reader import Reader
from tests.kit.histories import HOME, PROJECT, History, added
from tests.projections.analytics.oracle import Oracle
from tests.projections.analytics.test_analytics import (
    CREATORS,
    DAYS,
    ELSEWHERE,
    FIRST,
    IDS,
    RULES,
    SLOWLY,
    VIDEOS,
    ZONES,
    Within,
    at_once,
    histories,
    take_in,
)
from tests.projections.analytics.test_batches import cut


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Days to ask about, in a zone."""

    first: date
    last: date
    zone: str

    @property
    def ends(self) -> tuple[Any, Any]:
        zone = ZoneInfo(self.zone)
        return midnight(self.first, zone), midnight(self.last + timedelta(days=1), zone)

    @property
    def range(self) -> Range:
        zone = ZoneInfo(self.zone)
        return Range(first=self.first, last=self.last, granularity="day", zone=zone)


SOME_DAYS = st.builds(
    lambda begin, days, zone: Days(
        first=FIRST + timedelta(days=begin),
        last=FIRST + timedelta(days=begin + days - 1),
        zone=zone,
    ),
    st.integers(-2, DAYS),
    st.integers(1, DAYS),
    st.sampled_from(ZONES),
)
BATCHES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    sizes=BATCHES,
    requested=st.lists(SOME_DAYS, min_size=6, max_size=6),
    sort=st.sampled_from(get_args(CreatorFigure)),
    direction=st.sampled_from(["asc", "desc"]),
)
def test_figures_and_series_of_creators_are_those_of_the_plain_fold_and_sort_pages(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    sizes: list[int],
    requested: list[Days],
    sort: CreatorFigure,
    direction: Literal["asc", "desc"],
):
    oracle = Oracle(events, rule=rule)
    reader = Within(connection)
    of_project = CreatorSet.of_project(PROJECT)
    ends = requested[0].ends

    with connection.transaction(force_rollback=True):
        take_in(connection, cut(events, sizes), rule=rule)
        for days in requested:
            found = at_once(
                creator_figures(reader, HOME, CreatorSet.every(), *days.ends)
            )
            found = at_once(with_first_days(reader, HOME, found, days.range))

            assert [shown(each) for each in found] == [
                oracle.creator_figures(creator, days.first, days.last, days.zone)
                for creator in CREATORS
            ], days
        for days in requested[:2]:
            assert_days_hold_what_was_before(reader, days)
        every = at_once(creator_figures(reader, HOME, of_project, *ends))
        pages = [
            at_once(
                page_of_creators(
                    reader, HOME, of_project, *ends,
                    sort=sort, direction=direction, limit=1, offset=offset,
                )
            )
            for offset in range(3)
        ]  # fmt: skip
        elsewhere = at_once(
            sorted_creators(
                reader, HOME, CreatorSet.of_project(ELSEWHERE), *ends, sort=sort
            )
        )

    values = {each.creator_id: getattr(each, sort) for each in every}
    sign = 1 if direction == "asc" else -1

    def place(id_: UUID) -> tuple[bool, float, UUID]:
        value = values[id_]
        return value is None, sign * (value or 0), id_

    assert {*values} == {*CREATORS}
    # Unknown ones come last.
    assert [each.creator_id for page in pages for each in page] == sorted(
        values, key=place
    )
    assert elsewhere == []


def assert_days_hold_what_was_before(reader: Reader, days: Days) -> None:
    """Series that begin with a stored day are those of all sums and of snapshots."""
    buckets = Range(
        first=days.first, last=days.last, granularity="day", zone=ZoneInfo(days.zone)
    ).buckets()
    selection = Selection(
        organization_id=HOME,
        entity="creator",
        ids=[*CREATORS, UUID(int=1)],
        metrics=["views", "followers"],
        boundaries=[buckets[0].start, *(bucket.end for bucket in buckets)],
    )

    found = at_once(series_by_entity(reader, selection))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollups, "days_of", lambda *_: None)
        of_all_sums = at_once(series_by_entity(reader, selection))

    assert found.keys() == {*selection.ids}
    assert found == of_all_sums


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    sizes=BATCHES,
    requested=st.lists(SOME_DAYS, min_size=6, max_size=6),
    single=st.sampled_from(IDS),
    sort=st.sampled_from(get_args(VideoFigure)),
    direction=st.sampled_from(["asc", "desc"]),
)
def test_figures_of_videos_are_those_of_the_plain_fold_and_sort_pages(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    sizes: list[int],
    requested: list[Days],
    single: UUID,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
):
    oracle = Oracle(events, rule=rule)
    reader = Within(connection)
    counted = oracle.counted_videos()
    of_project = VideoSet.of_project(PROJECT)
    alone = VideoSet.these("SELECT %(one)s::uuid", {"one": single})
    ends = requested[0].ends
    sets = [
        (of_project, counted),
        (VideoSet.of_project(ELSEWHERE), []),
        (
            # The queries of a creator, and of a single video.
            replace(
                alone,
                owners="s.owner = ANY(%(creators)s)",
                parameters={**alone.parameters, "creators": CREATORS[:1]},
            ),
            [
                video
                for video in counted
                if video == single or oracle.videos[video].creator == CREATORS[0]
            ],
        ),
        (
            alone,
            [video for video in counted if video == single],
        ),
        (
            # Videos that do not count have numbers of their own.
            VideoSet.these(
                "SELECT unnest(%(every)s::uuid[])", {"every": IDS}, has_others=True
            ),
            sorted(
                video
                for video in IDS
                if oracle.snapshots.get(video)
                and video in oracle.videos
                and oracle.videos[video].status
            ),
        ),
    ]

    with connection.transaction(force_rollback=True):
        take_in(connection, cut(events, sizes), rule=rule)
        for days in requested:
            for videos, expected in sets:
                found = at_once(video_figures(reader, HOME, videos, *days.ends))

                assert [msgspec.structs.asdict(each) for each in found] == [
                    oracle.video_figures(video, days.first, days.last, days.zone)
                    for video in expected
                ], (days, videos)
        every = at_once(video_figures(reader, HOME, of_project, *ends))
        pages = [
            at_once(
                videos_by_figure(
                    reader, HOME, of_project, "SELECT unnest(%(every)s::uuid[])",
                    {"every": [video.video_id for video in every]}, *ends,
                    sort=sort, direction=direction, limit=2, offset=offset,
                )
            )
            for offset in (0, 2)
        ]  # fmt: skip

    sign = 1 if direction == "asc" else -1

    def place(video: FiguresOfVideo) -> tuple[bool, int, UUID]:
        value = getattr(video, sort)
        return value is None, sign * (value or 0), video.video_id

    # Unknown ones come last.
    assert [row for page in pages for row in page.found] == [
        (video.video_id, getattr(video, sort)) for video in sorted(every, key=place)
    ]


def test_each_baseline_begins_with_the_first_level_of_its_own(
    connection: Connection[TupleRow], history: History
):
    history.happened(CREATORS[0], added("billie"))
    for id_, tiktok_id in zip(IDS[:2], VIDEOS[:2], strict=True):
        history.happened(
            id_,
            e.VideoDiscovered(
                organization_id=HOME,
                project_id=PROJECT,
                creator_id=CREATORS[0],
                tiktok_video_id=tiktok_id,
                handle="billie",
                tracking_status="auto_tracked",
                scrape_id=UUID(int=7),
                posted_at=datetime(2026, 3, 1, tzinfo=UTC),
            ),
        )
    # Both lack their views at first, and the second one is first observed later.
    for hour, views in enumerate(((None,), (5,), (7, None), (9, 20))):
        nothing = (None,) * len(views)
        snapshot = e.VideoStatsSnapshotRecorded(
            organization_id=HOME,
            project_id=PROJECT,
            creator_id=CREATORS[0],
            observed_at=datetime(2026, 3, 27, 12 + hour, tzinfo=UTC),
            provider="test",
            video_ids=tuple(VIDEOS[: len(views)]),
            view_counts=views,
            like_counts=nothing,
            comment_counts=nothing,
            share_counts=nothing,
            save_counts=nothing,
        )
        history.happened(UUID(int=0x5C0 + hour), snapshot)
    days = Days(first=date(2026, 3, 27), last=date(2026, 3, 27), zone="UTC")
    reader = Within(connection)

    take_in(connection, [history.events])

    found = at_once(
        video_figures(reader, HOME, VideoSet.of_project(PROJECT), *days.ends)
    )
    new_views = {each.video_id: each.new_views for each in found}
    assert new_views == {IDS[0]: 4, IDS[1]: 0}


def shown(figures: FiguresOfCreator) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(figures),
        "engagement_rate": figures.engagement_rate,
        "average_views_per_post": figures.average_views_per_post,
    }
