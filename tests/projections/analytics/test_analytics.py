"""Analytics is the plain fold of any events, in any order of their arrival."""

import asyncio
from collections.abc import (
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.buckets import Range
from domain.analytics.metrics import (
    DERIVED_METRICS,
    RAW_METRICS,
    Breakdown,
    Question,
    checked_question,
)
from domain.analytics.series import SeriesByMetric, factor_of, points, terms_of, total
from domain.errors import InvalidQuestionError
from domain.messages import MovedHistory, Precision
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch import on
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.projection import AnalyticsProjection
from projections.analytics.read import breakdown as analytics_breakdown
from projections.analytics.read import selection as plans
from projections.analytics.read.breakdown import breakdown
from projections.analytics.read.explanations.explain import explain
from projections.analytics.read.members import existing_as_of
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import named_entities, series_by_entity
from projections.analytics.write import attribution, live, merge
from projections.analytics.write.changes import Changes
from projections.engine.reader import Query, Reader
from tests.kit.depth import part_of
from tests.kit.histories import HOME, PROJECT, History, added
from tests.projections.analytics.oracle import Oracle, OracleQuery
from tests.projections.analytics.test_batches import cut

T = TypeVar("T")

ELSEWHERE = UUID("44444444-4444-4444-8444-444444444444")
CREATORS = [UUID(int=0xC0 + n) for n in range(2)]
PROJECTS = [PROJECT, ELSEWHERE]
VIDEOS = ["1", "2", "3"]
IDS = [video_stream(PROJECT, video) for video in VIDEOS]
# Each holds only what stands after it, so that none comes to hold itself.
CAMPAIGNS = [UUID(int=0xCA0 + n) for n in range(4)]
STATUSES: list[e.TrackingStatus] = [
    *("auto_tracked", "auto_tracked", "auto_tracked"),
    *("pending_review", "out_of_window"),
]
# Days around the nights in which these zones change their clocks.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/Havana",
]
FIRST = date(2026, 3, 26)
DAYS = 12
COUNTS = st.none() | st.sampled_from([0, 1, 5, 9, 400, -3, 2**32, 2**63 - 1])
# Some lie within one unit of each other, some one unit apart, of each of the units.
PROFILE_COUNTS = COUNTS | st.sampled_from(
    [
        *(9_999, 10_000, 10_050, 10_099, 10_100, 10_101),
        *(3_800_000, 3_894_656, 3_899_999, 3_900_000, 3_700_001, 999_950, 1_000_000),
        *(2_000_000_000, 2_099_999_999),
    ]
)
# Midnights of several zones, and moments beside them.
MOMENTS = st.builds(
    lambda hours, seconds: (
        datetime(2026, 3, 26, tzinfo=UTC) + timedelta(hours=hours, seconds=seconds)
    ),
    st.sampled_from([*range(0, DAYS * 24, 6), 18, 22, 23, 47, 71, 95]),
    st.sampled_from([0, 0, 900, 1, -1, 6_300, 899, 0.000001]),
)

# Between two changes of campaigns, beside the ends of quarters of an hour.
PAUSES = st.sampled_from([0, 0, 1, 899, 900, 6 * 3_600, 24 * 3_600 - 1]).map(
    lambda seconds: timedelta(seconds=seconds)
)

Snapshot = e.ProfileSnapshotRecorded | e.VideoStatsSnapshotRecorded
Step = Snapshot | tuple[str, e.Event] | tuple[UUID, e.Event]

RULES: st.SearchStrategy[BaselineRule] = st.sampled_from(
    [
        *("posted_before_first_snapshot", "posted_before_first_snapshot"),
        *("first_snapshot", "first_snapshot", "never"),
    ]
)

SLOWLY = settings(
    deadline=None,
    max_examples=part_of(100),
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Within(Reader):
    """A reader inside the transaction of a test that keeps nothing."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    async def run(self, query: Query) -> list[TupleRow]:
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(query.text, query.parameters).fetchall()


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return asyncio.run(coroutine)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    creator = draw(st.sampled_from(CREATORS))
    at = draw(MOMENTS)
    if draw(st.integers(0, 1)) == 0:
        return e.ProfileSnapshotRecorded(
            organization_id=HOME,
            creator_id=creator,
            observed_at=at,
            provider="test",
            precision=draw(st.sampled_from([None, "exact", "rounded", "rounded"])),
            follower_count=draw(PROFILE_COUNTS),
            following_count=draw(PROFILE_COUNTS),
            total_likes_count=draw(PROFILE_COUNTS),
            video_count=draw(PROFILE_COUNTS),
        )
    videos = draw(
        st.lists(st.sampled_from(VIDEOS), min_size=1, max_size=3, unique=True)
    )

    def some(items: st.SearchStrategy[T]) -> tuple[T, ...]:
        return tuple(draw(items) for _ in videos)

    return e.VideoStatsSnapshotRecorded(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=draw(st.sampled_from([creator, creator, None])),
        observed_at=at,
        provider="test",
        video_ids=tuple(videos),
        view_counts=some(COUNTS),
        like_counts=some(COUNTS),
        comment_counts=some(COUNTS),
        share_counts=some(COUNTS),
        save_counts=some(st.none() | COUNTS),
        posted_at=draw(st.sampled_from([(), some(st.none() | MOMENTS)])),
        titles=draw(st.sampled_from([(), some(st.sampled_from([None, "Goats"]))])),
    )


@st.composite
def discoveries(draw: st.DrawFn, video: str) -> e.VideoDiscovered:
    return e.VideoDiscovered(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=CREATORS[int(video) % 2],
        tiktok_video_id=video,
        handle="billie",
        tracking_status=draw(st.sampled_from(STATUSES)),
        scrape_id=UUID(int=7),
        posted_at=draw(st.none() | MOMENTS | MOMENTS),
    )


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, e.Event]:
    video = draw(st.sampled_from(VIDEOS))
    discovered = draw(discoveries(video))
    was_added = e.VideoAdded(
        organization_id=HOME,
        project_id=PROJECT,
        tiktok_video_id=video,
        handle="billie",
        kind="video",
    )
    others: list[e.Event] = [
        e.VideoIncluded(organization_id=HOME),
        e.VideoExcluded(organization_id=HOME),
        e.VideoPutBack(organization_id=HOME),
        e.VideoTrackingDisabled(organization_id=HOME),
        e.VideoMerged(
            organization_id=HOME,
            creator_id=CREATORS[0],
            into_video_id=UUID(int=8),
        ),
        e.VideoCameIntoWindow(organization_id=HOME, tracking_status="auto_tracked"),
    ]
    return video, draw(st.sampled_from([discovered, was_added, *others]))


@st.composite
def memberships(draw: st.DrawFn) -> tuple[UUID, e.Event]:
    """A campaign gets or loses an item, or is deleted."""
    place = draw(st.integers(0, len(CAMPAIGNS) - 1))
    items: list[tuple[e.ItemType, UUID]] = [
        *(("creator", creator) for creator in CREATORS),
        *(("video", video) for video in IDS),
        *(("campaign", campaign) for campaign in CAMPAIGNS[place + 1 :]),
    ]
    item_type, item_id = draw(st.sampled_from(items))
    kinds: list[type[e.CampaignItemAdded | e.CampaignItemRemoved]] = [
        *(e.CampaignItemAdded, e.CampaignItemAdded, e.CampaignItemRemoved)
    ]
    if draw(st.integers(0, 15)) == 0:
        return CAMPAIGNS[place], e.CampaignDeleted(organization_id=HOME)
    kind = draw(st.sampled_from(kinds))
    event = kind(organization_id=HOME, item_type=item_type, item_id=item_id)
    return CAMPAIGNS[place], event


@st.composite
def moves(draw: st.DrawFn, *, history: MovedHistory = "whole") -> tuple[UUID, e.Event]:
    """A creator moves to another project, or back."""
    old, new = draw(st.sampled_from([PROJECTS, [*reversed(PROJECTS)]]))
    event = e.CreatorMoved(
        organization_id=HOME, old_project_id=old, new_project_id=new, history=history
    )
    return draw(st.sampled_from(CREATORS)), event


@st.composite
def seen_again(
    draw: st.DrawFn,
    snapshot: Snapshot,
    looked: Sequence[datetime],
) -> Snapshot:
    """A snapshot that at times corrects an earlier one, mostly the first."""
    if not looked or draw(st.integers(0, 2)):
        return snapshot
    again = draw(st.sampled_from([min(looked), *looked]))
    return msgspec.structs.replace(snapshot, observed_at=again)


@st.composite
def histories(
    draw: st.DrawFn, *, steps: st.SearchStrategy[Step] | None = None
) -> list[RecordedEvent]:
    """A history of a few videos; ``steps`` happen to those that are there and count."""
    history = History()
    for project in PROJECTS:
        history.happened(HOME, e.ProjectCreated(project_id=project, name="Project"))
    for creator in CREATORS:
        history.happened(creator, added("billie"))
    for campaign in CAMPAIGNS:
        created = e.CampaignCreated(
            organization_id=HOME, project_id=PROJECT, name="Campaign"
        )
        history.happened(campaign, created)
    begun: set[str] = set()
    looked: list[datetime] = []
    deleted: set[UUID] = set()
    now = datetime(2026, 3, 26, tzinfo=UTC)
    for name in VIDEOS if steps is not None else ():
        begun.add(name)
        found = e.VideoAdded(
            organization_id=HOME,
            project_id=PROJECT,
            tiktok_video_id=name,
            handle="billie",
            kind="video",
        )
        if draw(st.integers(0, 3)):
            found = msgspec.structs.replace(
                draw(discoveries(name)), tracking_status="auto_tracked"
            )
        history.happened(video_stream(PROJECT, name), found)
    if steps is None:
        steps = st.one_of(snapshots(), snapshots(), changes(), memberships())
    amount = draw(st.sampled_from([6, 12, 24, 36]))
    for step in draw(st.lists(steps, min_size=amount, max_size=amount)):
        if not isinstance(step, tuple):
            seen = draw(seen_again(step, looked))
            looked.append(seen.observed_at)
            run = UUID(int=0x5C0 + len(history.events))
            history.happened(run, seen)
            # Mostly a video is discovered where a run first lists it.
            for name in getattr(seen, "video_ids", ()):
                if name not in begun and draw(st.integers(0, 3)):
                    begun.add(name)
                    found = draw(discoveries(name))
                    history.happened(video_stream(PROJECT, name), found)
            continue
        video, event = step
        if isinstance(event, e.CreatorMoved):
            assert isinstance(video, UUID)
            now += draw(PAUSES)
            history.happened(video, event, at=now)
            continue
        if isinstance(video, UUID):
            now += draw(PAUSES)
            if video not in deleted:
                history.happened(video, event, at=now)
            if isinstance(event, e.CampaignDeleted):
                deleted.add(video)
            continue
        if isinstance(event, e.VideoDiscovered | e.VideoAdded):
            begun.add(video)
        if video in begun:
            history.happened(video_stream(PROJECT, video), event)
    return history.events


@st.composite
def questions(
    draw: st.DrawFn, *, of: Sequence[str] = ("creator", "project", "video", "campaign")
) -> OracleQuery:
    entity = draw(st.sampled_from(of))
    named_entities = {
        "creator": CREATORS,
        "project": PROJECTS,
        "video": IDS,
        "campaign": CAMPAIGNS,
    }[entity]
    metric = draw(st.sampled_from([*RAW_METRICS, *DERIVED_METRICS]))
    begin = draw(st.integers(0, DAYS // 2))
    days = draw(st.integers(1, DAYS))
    return OracleQuery(
        entity=entity,
        entity_id=draw(st.sampled_from(named_entities)),
        metric=metric,
        mode="rate"
        if metric in DERIVED_METRICS
        else draw(st.sampled_from(["new", "cumulative"])),
        granularity=draw(st.sampled_from(["day", "day", "week", "month"])),
        first=FIRST + timedelta(days=begin),
        last=FIRST + timedelta(days=begin + days - 1),
        tz=draw(st.sampled_from(ZONES)),
        base_metric=draw(st.sampled_from(RAW_METRICS))
        if metric == "growth_rate_pop"
        else None,
        now=draw(MOMENTS),
    )


def take_in(
    connection: Connection[TupleRow],
    batches: Iterable[Sequence[RecordedEvent]],
    *,
    rule: BaselineRule = "posted_before_first_snapshot",
) -> None:
    with connection.cursor() as cursor:
        AnalyticsProjection().begin_under(cursor, rule)
        for batch in batches:
            AnalyticsProjection().write(cursor, given_to_analytics(batch))


@contextmanager
def plans_read_only(connection: Connection[TupleRow]) -> Iterator[None]:
    """Let PostgreSQL refuse each write of a plan, which only reads."""
    plan_of = live.plan

    def plan(
        cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], rule: BaselineRule
    ) -> Changes:
        with connection.transaction():
            cursor.execute("SET TRANSACTION READ ONLY")
            return plan_of(cursor, events, rule)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "plan", plan)
        yield


def rebuild(
    connection: Connection[TupleRow],
    slices: Iterable[Sequence[RecordedEvent]],
    *,
    partitions: int,
    rule: BaselineRule,
) -> None:
    analytics = AnalyticsProjection()
    with connection.cursor() as cursor:
        analytics.begin_under(cursor, rule)
        for part in slices:
            analytics.gather(cursor, given_to_analytics(part))
        for stage in analytics.stages:
            for partition in reversed(range(partitions)):
                while not analytics.merge(
                    cursor, stage, partition=partition, partitions=partitions
                ).is_all:
                    pass
                assert analytics.merge(
                    cursor, stage, partition=partition, partitions=partitions
                ) == (
                    0,
                    True,
                )


def given_to_analytics(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    by_class = {cls: name for name, cls in e.STORED_NAMES.items()}
    return [
        one for one in events if by_class[type(one.event)] in AnalyticsProjection.events
    ]


def the_question(
    query: OracleQuery, *, breakdown: Breakdown | None = None
) -> Question | None:
    try:
        return checked_question(
            breakdown=breakdown,
            entity=cast("Any", query.entity),
            metric=cast("Any", query.metric),
            mode=cast("Any", query.mode),
            base_metric=cast("Any", query.base_metric),
            membership=cast("Any", query.membership),
        )
    except InvalidQuestionError:
        return None


def answer(
    connection: Connection[TupleRow], query: OracleQuery
) -> dict[str, Any] | None:
    """The read model's answer; None if the question makes no sense."""
    question = the_question(query)
    reader = Within(connection)
    if question is None:
        return None
    of, at, buckets = query.entity_id, query.as_of, the_range(query).buckets()
    found, _ = at_once(named_entities(reader, HOME, question.entity, [of]))
    there = {*found}
    if at is not None:
        there &= at_once(existing_as_of(reader, HOME, question.entity, [of], at=at))
    if not there:
        return None
    selection = Selection.of(HOME, [question], [of], buckets, at=at)
    return shown(query, question, at_once(series_by_entity(reader, selection))[of])


def broken_down(
    connection: Connection[TupleRow], query: OracleQuery, *, by: Breakdown = "video"
) -> list[dict[str, Any]] | None:
    """The read model's answer for the parts; None if the question makes no sense."""
    question = the_question(query, breakdown=by)
    reader = Within(connection)
    if question is None:
        return None
    of, at, buckets = query.entity_id, query.as_of, the_range(query).buckets()
    selection = Selection.of(HOME, [question], [of], buckets, at=at)
    whole = at_once(series_by_entity(reader, selection))[of]
    days = the_range(query).days
    terms = at_once(breakdown(reader, selection, question, days=days, whole=whole))
    return [
        {
            "id": part.entity and part.entity.id,
            **shown(query, question, part.by_metric),
        }
        for part in terms
    ]


def the_range(query: OracleQuery) -> Range:
    return Range(
        first=query.first,
        last=query.last,
        granularity=cast("Any", query.granularity),
        zone=ZoneInfo(query.tz),
    )


def shown(
    query: OracleQuery, question: Question, by_metric: SeriesByMetric
) -> dict[str, Any]:
    days = the_range(query)
    whole = total(question, by_metric, days=days.days)
    return {
        "points": [
            msgspec.structs.asdict(point)
            for point in points(question, by_metric, days.buckets(), now=query.now)
        ],
        "total": whole.value,
        "total_rounded": whole.rounded,
        "total_sharpened": whole.sharpened,
    }


def contents(connection: Connection[TupleRow]) -> dict[str, list[str]]:
    """Every row of the read model."""
    tables = (
        "rule",
        "subjects",
        "videos",
        "snapshots",
        "owner_states",
        "unattributed",
        "gathered",
        "video_rollups",
        "profile_rollups",
        "profile_precision",
        "video_totals",
        "video_days",
        "profile_totals",
        "profile_days",
        "creator_posts",
        "creator_moves",
        "owner_days",
        "campaign_changes",
        "campaign_members",
    )
    return {
        table: [
            row[0]
            for row in connection.execute(
                f"SELECT t::text FROM analytics_{table} t ORDER BY 1".encode()  # noqa: S608
            )
        ]
        for table in tables
    }


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    query=st.lists(questions(), min_size=8, max_size=8),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_every_number_and_its_parts_are_those_of_the_plain_fold(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    sizes: list[int],
):
    oracle = Oracle(events, rule=rule)

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(analytics_breakdown, "MOST_SERIES", 1)
        take_in(connection, cut(events, sizes), rule=rule)
        for one in query:
            answered, videos = answer(connection, one), broken_down(connection, one)
            with pytest.MonkeyPatch.context() as levels:
                levels.setattr(plans, "ends_a_slot", lambda _: False)
                by_levels = answer(connection, one)

            if answered is not None:
                assert answered == oracle.answer(one), one
                assert_observations_add_up(connection, one, answered)
            assert by_levels == answered, one
            if videos is not None:
                assert videos == oracle.broken_down(one, 1), one


def assert_observations_add_up(
    connection: Connection[TupleRow], one: OracleQuery, answered: Mapping[str, Any]
) -> None:
    """The explanation of the last point adds up to it, and to both terms of a rate."""
    question, bucket = the_question(one), the_range(one).buckets()[-1]
    assert question is not None
    reader, of = Within(connection), one.entity_id
    selection = Selection.of(HOME, [question], [of], [bucket], at=one.as_of)
    found = at_once(explain(reader, selection, question, bucket))
    by_metric = at_once(series_by_entity(reader, selection))[of]

    value = answered["points"][-1]["value"]
    summed = {
        part: sum(o.contribution or 0 for o in found if o.term == part)
        for part in ("value", "numerator", "denominator")
    }
    if question.mode != "rate":
        assert summed["value"] == (value or 0), one
        return
    above, below = terms_of(question, by_metric, 0, days=bucket.days)
    if above is not None:
        assert summed["numerator"] == above, one
    if question.metric != "posts_per_week":
        assert summed["denominator"] == (below or 0), one
    if value is not None:
        assert above is not None
        assert below
        assert value == round(above * factor_of(question) / below, 6)


@pytest.mark.parametrize(("seconds", "new"), ((-1, 0), (0, 5), (1, 5)))
def test_only_what_was_posted_before_the_first_look_is_a_baseline(
    connection: Connection[TupleRow], history: History, seconds: int, new: int
):
    at = datetime(2026, 3, 27, 12, tzinfo=UTC)
    history.happened(CREATORS[0], added("billie"))
    history.happened(
        IDS[0],
        e.VideoDiscovered(
            organization_id=HOME,
            project_id=PROJECT,
            creator_id=CREATORS[0],
            tiktok_video_id=VIDEOS[0],
            handle="billie",
            tracking_status="auto_tracked",
            scrape_id=UUID(int=7),
            posted_at=at + timedelta(seconds=seconds),
        ),
    )
    snapshot = e.VideoStatsSnapshotRecorded(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=CREATORS[0],
        observed_at=at,
        provider="test",
        video_ids=(VIDEOS[0],),
        view_counts=(5,),
        like_counts=(None,),
        comment_counts=(None,),
        share_counts=(None,),
        save_counts=(None,),
    )
    history.happened(UUID(int=0x5C0), snapshot)
    query = OracleQuery(
        entity="creator",
        entity_id=CREATORS[0],
        metric="views",
        mode="new",
        first=date(2026, 3, 27),
        last=date(2026, 3, 27),
        tz="UTC",
        now=at,
    )

    take_in(connection, [history.events])

    answered = answer(connection, query)
    assert answered is not None
    assert [point["value"] for point in answered["points"]] == [new]
    # Nothing came after a baseline, so that what is new of all days is not known.
    assert answered["total"] == (new or None)


def test_rows_of_version_2_can_be_asked_for_the_past_until_they_are_rebuilt():
    snapshots = [
        (3, "seen", {"posted_at": "2026-03-27T12:00:00Z", "title": "First"}),
        (5, "seen", {"posted_at": "2026-03-28T12:00:00Z"}),
    ]
    row = AnalyticsVideoRow(
        organization_id=HOME,
        id=IDS[0],
        changes=msgspec.Raw(msgspec.json.encode(snapshots)),
    )

    then, now = as_of(row, 4), as_of(row, 5)

    assert then.posted_at == datetime(2026, 3, 27, 12, tzinfo=UTC)
    # A later statement contradicts it, and changes nothing.
    assert now.posted_at == then.posted_at
    assert (then.label, now.label) == ("First", "First")


@pytest.mark.parametrize("batches", (1, 2, 3))
def test_a_correction_of_the_first_look_is_not_new(
    connection: Connection[TupleRow], history: History, batches: int
):
    at = datetime(2026, 3, 27, 12, tzinfo=UTC)
    history.happened(CREATORS[0], added("billie"))
    for number, count in enumerate((7_000, 70)):
        snapshot = e.ProfileSnapshotRecorded(
            organization_id=HOME,
            creator_id=CREATORS[0],
            observed_at=at,
            provider="test",
            follower_count=count,
        )
        history.happened(UUID(int=0x5C0 + number), snapshot)
    query = OracleQuery(
        entity="creator",
        entity_id=CREATORS[0],
        metric="followers",
        mode="new",
        first=date(2026, 3, 27),
        last=date(2026, 3, 27),
        tz="UTC",
        now=at,
    )

    take_in(connection, cut(history.events, [4 - batches]))

    answered = answer(connection, query)
    assert answered is not None
    assert answered["total"] == 0


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    query=st.lists(questions(), min_size=8, max_size=8),
    part=st.floats(0, 1),
)
def test_the_past_is_the_plain_fold_of_what_had_been_told_by_then(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    part: float,
):
    position = round(part * len(events))
    oracle = Oracle(events, as_of=position, rule=rule)

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(analytics_breakdown, "MOST_SERIES", 1)
        take_in(connection, [events], rule=rule)
        for now in query:
            one = msgspec.structs.replace(now, as_of=position)
            answered, videos = answer(connection, one), broken_down(connection, one)

            if answered is not None:
                assert answered == oracle.answer(one), one
            if videos is not None:
                assert videos == oracle.broken_down(one, 1), one


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    partitions=st.integers(1, 3),
    snapshots_at_once=st.sampled_from([1, 2, 3, 200]),
    random=st.randoms(use_true_random=False),
)
def test_slices_in_any_order_and_twice_make_the_same_rows_live_and_rebuilt(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    sizes: list[int],
    partitions: int,
    snapshots_at_once: int,
    random: Random,
):
    slices = cut(events, sizes)
    shuffled = [*slices, *slices[::2]]
    random.shuffle(shuffled)

    with connection.transaction(force_rollback=True):
        take_in(connection, [events], rule=rule)
        whole = contents(connection)
    with connection.transaction(force_rollback=True), plans_read_only(connection):
        take_in(connection, shuffled, rule=rule)
        in_any_order = contents(connection)
    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        for stage in (attribution, merge):
            patch.setattr(stage, "_SNAPSHOTS_AT_ONCE", snapshots_at_once)
        rebuild(connection, shuffled, partitions=partitions, rule=rule)
        from_slices = contents(connection)

    assert in_any_order == whole
    assert from_slices == whole


def test_a_batch_handles_exactly_the_events_that_the_projection_subscribes_to():
    assert AnalyticsProjection.events == on.events


def test_a_late_observation_is_held_against_the_last_exact_level(
    connection: Connection[TupleRow], history: History
):
    history.happened(CREATORS[0], added("billie"))
    # The later of the two at one hour counts, and confirms the first one.
    seen: list[tuple[int, Precision, int]] = [
        *((0, "exact", 3_950_000), (6, "exact", 3_800_500), (6, "rounded", 3_900_000)),
        *((48, "rounded", 3_900_000), (24, "rounded", 3_900_000)),
        (20, "rounded", 4_100_000),
    ]
    for number, (hours, precision, count) in enumerate(seen):
        snapshot = e.ProfileSnapshotRecorded(
            organization_id=HOME,
            creator_id=CREATORS[0],
            observed_at=datetime(2026, 3, 27, 12, tzinfo=UTC) + timedelta(hours=hours),
            provider="test",
            precision=precision,
            follower_count=count,
        )
        history.happened(UUID(int=0x5C0 + number), snapshot)
    for amount in (5, 6):
        query = OracleQuery(
            entity="creator",
            entity_id=CREATORS[0],
            metric="followers",
            mode="cumulative",
            first=date(2026, 3, 27),
            last=date(2026, 3, 30),
            tz="UTC",
            now=datetime(2026, 4, 1, tzinfo=UTC),
        )
        events = history.events[: amount + 1]

        with connection.transaction(force_rollback=True):
            take_in(connection, cut(events, [1]))

            answered = answer(connection, query)

        assert answered is not None
        assert answered == Oracle(events).answer(query)
        assert answered["points"][0]["value"] == 3_950_000
        # The last of all breaks with it, late as it is, and nothing exact follows.
        assert answered["points"][-1]["rounded"] == (amount == 6)
