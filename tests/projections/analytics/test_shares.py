"""Lists and summaries of a project whose creators moved: the plain fold."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.buckets import Range
from domain.analytics.summaries.distribution import distribution
from domain.analytics.summaries.posting_hours import posting_hours
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FigureCondition,
    creator_figures,
    creators_with,
    sorted_creators,
)
from projections.analytics.read.creators.totals import total_figures, with_first_days
from projections.analytics.read.members import spans_in
from projections.analytics.read.videos.figures import (
    VideoFigure,
    video_figures,
    videos_by_figure,
)
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.summaries.creators import figures_apart
from projections.analytics.summaries.leaderboard import VideoOrder, ranked_videos
from projections.analytics.summaries.outliers import outliers_among
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import views_at_end, views_of_posted
from projections.engine.reader import Reader
from tests.kit.histories import HOME, PROJECT, History, added
from tests.projections.analytics.oracle import VIDEO_COUNTERS, Oracle
from tests.projections.analytics.summary_oracle import SummaryOracle, SummaryQuery
from tests.projections.analytics.test_analytics import (
    CREATORS,
    ELSEWHERE,
    PROJECTS,
    RULES,
    ZONES,
    Within,
    at_once,
    take_in,
)
from tests.projections.analytics.test_batches import cut
from tests.projections.analytics.test_figures import SOME_DAYS, Days, shown
from tests.projections.analytics.test_moves import FEW, HISTORIES

approx = partial(pytest.approx, abs=2e-6)


@FEW
@given(
    events=HISTORIES,
    rule=RULES,
    requested=st.lists(SOME_DAYS, min_size=2, max_size=2),
    figure=st.sampled_from(get_args(CreatorFigure)),
    of_video=st.sampled_from(get_args(VideoFigure)),
    direction=st.sampled_from(["asc", "desc"]),
)
def test_lists_of_a_project_have_what_its_creators_gained_for_it(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    requested: list[Days],
    figure: CreatorFigure,
    of_video: VideoFigure,
    direction: Literal["asc", "desc"],
):
    oracle = Oracle(events, rule=rule)
    reader = Within(connection)

    with connection.transaction(force_rollback=True):
        take_in(connection, cut(events, [7, 2]), rule=rule)
        for days in requested:
            for project in PROJECTS:
                assert_creators_of_a_list(
                    reader, oracle, project, days, figure, direction
                )
                assert_videos_of_a_list(
                    reader, oracle, project, days, of_video, direction
                )


def assert_creators_of_a_list(
    reader: Reader,
    oracle: Oracle,
    project: UUID,
    days: Days,
    figure: CreatorFigure,
    direction: Literal["asc", "desc"],
) -> None:
    expected = {
        creator: oracle.creator_figures(
            creator, days.first, days.last, days.zone, project=project
        )
        for creator in CREATORS
        if oracle.creators[creator] == project
    }
    shares = at_once(
        figures_apart(
            reader,
            HOME,
            CreatorSet.of_project(project),
            days.range,
            project_id=project,
        )
    )
    listed = msgspec.structs.replace(CreatorSet.of_project(project), shares=shares)

    found = at_once(creator_figures(reader, HOME, listed, *days.ends))
    found = at_once(with_first_days(reader, HOME, found, days.range))
    totals = at_once(
        total_figures(reader, HOME, listed, *days.ends, are_in_one_project=True)
    )
    order = at_once(
        sorted_creators(
            reader, HOME, listed, *days.ends, sort=figure, direction=direction
        )
    )

    assert {each.creator_id: shown(each) for each in found} == expected, days
    for name in ("followers", "views", "new_views", "likes", "posts", "new_followers"):
        known = [each[name] for each in expected.values() if each[name] is not None]
        is_count = name == "posts"
        assert getattr(totals, name) == (sum(known) if known or is_count else None)
    values = {creator: each[figure] for creator, each in expected.items()}
    assert [id_ for id_, _ in order] == sorted(
        values, key=partial(place, values, direction)
    )
    for least in {value for value in values.values() if value is not None}:
        condition = FigureCondition(figure, ">=", Decimal(str(least)))
        of_these = at_once(
            creators_with(reader, HOME, listed, *days.ends, conditions=[condition])
        )
        assert {*of_these} == {
            creator
            for creator, value in values.items()
            if value is not None and value >= least
        }


def assert_videos_of_a_list(
    reader: Reader,
    oracle: Oracle,
    project: UUID,
    days: Days,
    figure: VideoFigure,
    direction: Literal["asc", "desc"],
) -> None:
    def is_there(id_: UUID) -> bool:
        video = oracle.videos[id_]
        at = oracle.creators[video.creator] if video.creator else video.project
        return at == project

    expected = {
        video: oracle.video_figures(
            video, days.first, days.last, days.zone, project=project
        )
        for video in oracle.counted_videos()
        if is_there(video)
    }
    spans = at_once(spans_in(reader, HOME, project))
    listed = msgspec.structs.replace(VideoSet.of_project(project), spans=spans)

    found = at_once(video_figures(reader, HOME, listed, *days.ends))
    chosen = "SELECT unnest(%(ids)s::uuid[])", {"ids": [*expected]}
    these = VideoSet.these(*chosen, spans=spans, has_others=True)
    order = at_once(
        videos_by_figure(
            reader, HOME, these, *chosen, *days.ends, sort=figure, direction=direction
        )
    )

    assert {each.video_id: msgspec.structs.asdict(each) for each in found} == expected
    values = {video: each[figure] for video, each in expected.items()}
    ranked = sorted(values, key=partial(place, values, direction))
    assert order.found == [(video, values[video]) for video in ranked]


def place(
    values: dict[UUID, Any], direction: Literal["asc", "desc"], id_: UUID
) -> tuple[bool, float, UUID]:
    sign = 1 if direction == "asc" else -1
    value = values[id_]
    return value is None, sign * (value or 0), id_


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LENGTH = 30
VIDEOS = 16


def moving(random: Random) -> list[RecordedEvent]:
    """Creators with many videos, who are seen and move to and fro."""
    history = History()
    for project in PROJECTS:
        history.happened(HOME, e.ProjectCreated(project_id=project, name="Project"))

    def moment(days: int = LENGTH) -> datetime:
        hours = random.choice((0, 0, 0.25, 7, 12.01, 23))
        return BEGIN + timedelta(days=random.randrange(days), hours=hours)

    names: dict[UUID, list[str]] = {}
    for creator in CREATORS:
        history.happened(creator, added(f"goat{creator.int}"))
        names[creator] = [str(creator.int * 100 + number) for number in range(VIDEOS)]
        for name in names[creator]:
            found = e.VideoDiscovered(
                organization_id=HOME,
                project_id=PROJECT,
                creator_id=creator,
                tiktok_video_id=name,
                handle="billie",
                tracking_status=random.choice(
                    ("auto_tracked", "auto_tracked", "included", "pending_review")
                ),
                scrape_id=UUID(int=7),
                posted_at=random.choice(
                    [None, *(moment(LENGTH // 2) for _ in range(9))]
                ),
            )
            history.happened(video_stream(PROJECT, name), found)
    at = dict.fromkeys(CREATORS, PROJECT)
    for day in range(LENGTH):
        creator = random.choice(CREATORS)
        for _ in range(2):
            observed_at = moment()
            # Some are long there before anybody looks at them.
            is_early = observed_at < BEGIN + timedelta(days=LENGTH - 4)
            listed = names[creator][: -2 if is_early else VIDEOS]
            seen = random.sample(listed, random.randint(4, VIDEOS - 2))
            counts: dict[str, Any] = {
                f"{counter[:-1]}_counts": tuple(
                    random.choice((None, *(random.randrange(1_000) for _ in range(4))))
                    for _ in seen
                )
                for counter in VIDEO_COUNTERS
            }
            observed = e.VideoStatsSnapshotRecorded(
                organization_id=HOME,
                project_id=PROJECT,
                creator_id=creator,
                observed_at=observed_at,
                provider="test",
                video_ids=tuple(seen),
                **counts,
            )
            history.happened(UUID(int=0x5C0 + len(history.events)), observed)
        if random.random() < 0.25:
            old = at[creator]
            at[creator] = ELSEWHERE if old == PROJECT else PROJECT
            moved = e.CreatorMoved(
                organization_id=HOME,
                old_project_id=old,
                new_project_id=at[creator],
                history=random.choice(("stay", "stay", "stay", "whole")),
            )
            hours = random.choice((0, 0.3, 13))
            history.happened(
                creator, moved, at=BEGIN + timedelta(days=day, hours=hours)
            )
    return history.events


@pytest.mark.parametrize("seed", ("one", "two", "three"))
def test_summaries_of_a_project_have_what_creators_left_there_and_bring(
    connection: Connection[TupleRow], seed: str
):
    random = Random(seed)  # noqa: S311 - histories, not secrets
    events = moving(random)
    oracle = SummaryOracle(Oracle(events))
    reader = Within(connection)

    with connection.transaction(force_rollback=True):
        take_in(connection, [events])
        for project in PROJECTS * 2:
            first = BEGIN.date() + timedelta(days=random.randrange(5, LENGTH))
            query = SummaryQuery(
                entity="project",
                id=project,
                first=first,
                last=first + timedelta(days=random.choice((0, 6, 20))),
                tz=random.choice(ZONES),
                now=BEGIN + timedelta(days=LENGTH),
                posted_from=random.choice((None, date(2026, 1, 9))),
            )
            assert_summaries(reader, oracle, query)


def assert_summaries(
    reader: Reader, oracle: SummaryOracle, query: SummaryQuery
) -> None:
    after = query.posted_from and query.midnight(query.posted_from)
    scope = SummaryScope(
        organization_id=HOME, kind="project", id=query.id, posted_since=after
    )
    zone = ZoneInfo(query.tz)
    days = Range(first=query.first, last=query.last, granularity="day", zone=zone)
    end = min(query.end, query.now)

    levels = asyncio.run(views_at_end(reader, scope, days))
    posts = asyncio.run(views_of_posted(reader, scope, days))
    judged = asyncio.run(outliers_among(reader, scope, at=end))

    found, expected = (
        msgspec.to_builtins(distribution(levels)),
        oracle.distribution(query),
    )
    assert found.pop("buckets") == expected.pop("buckets")
    assert found == approx(expected)
    hours = msgspec.to_builtins(posting_hours(posts, zone))
    assert hours == [approx(hour) for hour in oracle.heatmap(query)]
    factors = {id_: oracle.factor(query, id_) for id_ in oracle.counted(query)}
    assert {id_: one.outlier_factor for id_, one in judged.items()} == approx(
        {id_: factor for id_, factor in factors.items() if factor is not None}
    )
    for order in get_args(VideoOrder):
        found = asyncio.run(
            ranked_videos(
                reader, scope, days, now=query.now, order=order, limit=None, offset=0
            )
        )
        expected = oracle.videos(query, order)
        rows = {row["video_id"]: row for row in expected}
        assert found.total == len(expected) == len(found.ids)
        if after is None:
            # They add up to what is new in the project.
            added = [one.new_views for one in found.figures.values()]
            known = [new for new in added if new is not None]
            whole = oracle.total(query, "project", query.id, "new_views")
            assert (sum(known) if known else None) == whole
        for id_, at_its_place in zip(found.ids, expected, strict=True):
            own = rows[str(id_)]
            figures, outlier = found.figures.get(id_), found.outliers.get(id_)
            # Equal ones may stand in any order.
            assert own[order] == at_its_place[order]
            assert {
                "view_count": figures and figures.views,
                "like_count": figures and figures.likes,
                "save_count": figures and figures.saves,
                "new_views": figures and figures.new_views,
                "outlier_factor": outlier and outlier.outlier_factor,
            } == approx(
                {
                    name: own[name]
                    for name in (
                        *("view_count", "like_count", "save_count"),
                        *("new_views", "outlier_factor"),
                    )
                }
            )
