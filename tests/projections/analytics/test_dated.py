"""With dated membership a campaign has the gains of its members while they were in."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.metrics import Breakdown
from infra.eventstore.store import RecordedEvent
from projections.analytics.read import breakdown, selection
from projections.analytics.read.explanations.explain import explain
from tests.kit.depth import part_of
from tests.kit.histories import HOME, PROJECT, History, added, found, stats
from tests.projections.analytics.dated_oracle import DatedOracle, DatedQuery
from tests.projections.analytics.oracle import OracleQuery
from tests.projections.analytics.test_analytics import (
    CAMPAIGNS,
    CREATORS,
    DAYS,
    FIRST,
    IDS,
    RULES,
    SLOWLY,
    VIDEOS,
    Within,
    answer,
    at_once,
    broken_down,
    questions,
    take_in,
    the_question,
    the_range,
)
from tests.projections.analytics.test_campaigns import HISTORIES


def _dated(query: OracleQuery) -> DatedQuery:
    fields = msgspec.structs.asdict(query) | {"membership": "dated"}
    return msgspec.convert(fields, DatedQuery)


# Over all days, and of what most of the rules are about.
OF_ALL_DAYS = st.builds(
    lambda query, metric: msgspec.structs.replace(
        query,
        metric=metric,
        mode="new" if query.mode == "rate" else query.mode,
        base_metric=None,
        first=FIRST,
        last=FIRST + timedelta(days=DAYS),
    ),
    questions(of=["campaign"]),
    st.sampled_from(["views", "followers", "posts"]),
)
QUERIES = st.lists(
    st.one_of(OF_ALL_DAYS, OF_ALL_DAYS, questions(of=["campaign"])).map(_dated),
    min_size=4,
    max_size=4,
)
FEW = settings(SLOWLY, max_examples=part_of(30))


@FEW
@given(
    events=HISTORIES, rule=RULES, query=QUERIES, part=st.floats(0, 1),
    by=st.sampled_from(["creator", "video"]), most=st.sampled_from([0, 1, 10]),
)  # fmt: skip
def test_dated_numbers_are_the_plain_fold_of_what_was_gained_as_a_member(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[DatedQuery],
    part: float,
    by: Breakdown,
    most: int,
):
    position = round(part * len(events))
    now = DatedOracle(events, rule=rule)
    then = DatedOracle(events, as_of=position, rule=rule)

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(breakdown, "MOST_SERIES", most)
        take_in(connection, [events], rule=rule)
        for one in query:
            earlier = msgspec.structs.replace(one, as_of=position)
            answered, of_then = answer(connection, one), answer(connection, earlier)
            if answered is None:
                continue
            parts = broken_down(connection, one, by=by)
            with pytest.MonkeyPatch.context() as by_levels:
                by_levels.setattr(selection, "ends_a_slot", lambda _: False)
                from_levels = answer(connection, one)
                parts_from_levels = broken_down(connection, one, by=by)

            assert answered == now.answer(one), one
            assert from_levels == answered, one
            assert parts is None or parts == now.broken_down(one, most, by=by), one
            assert parts_from_levels == parts, one
            if of_then is not None:
                assert of_then == then.answer(one), one
            if one.mode != "rate":
                assert _explained(connection, one) == answered["points"][-1], one


@pytest.mark.parametrize("source", ("sums", "snapshots"))
@pytest.mark.parametrize(
    ("metric", "mode"),
    (("views", "new"), ("followers", "new"), ("views", "cumulative")),
)
def test_joins_and_leaves_take_effect_at_the_end_of_their_quarter_of_an_hour(
    connection: Connection[TupleRow],
    history: History,
    metric: str,
    mode: str,
    source: str,
):
    noon = datetime(2026, 3, 27, 12, tzinfo=UTC)
    creator, campaign = CREATORS[0], CAMPAIGNS[0]
    created = e.CampaignCreated(organization_id=HOME, project_id=PROJECT, name="Spring")
    item: dict[str, Any] = {"item_type": "creator", "item_id": creator}
    history.happened(creator, added("billie"))
    history.happened(campaign, created)
    history.happened(IDS[0], found(creator, VIDEOS[0]))
    for minutes, kind in (
        (1, e.CampaignItemAdded),
        (61, e.CampaignItemRemoved),
        (121, e.CampaignItemAdded),
    ):
        at = noon + timedelta(minutes=minutes)
        history.happened(campaign, kind(organization_id=HOME, **item), at=at)
    # Quarters end at 15, 75 and 135 minutes.
    seen = [(0, 1), (15, 10), (16, 100), (75, 1_000), (76, 10_000), (135, 100_000)]
    for minutes, count in [*seen, (136, 1_000_000)]:
        at = noon + timedelta(minutes=minutes)
        for snapshot in _seen(creator, at, count):
            history.happened(UUID(int=0x5C0 + len(history.events)), snapshot)
    query = DatedQuery(
        entity="campaign", entity_id=campaign, membership="dated", metric=metric,
        mode=mode, first=date(2026, 3, 27), last=date(2026, 3, 27), tz="UTC", now=noon,
    )  # fmt: skip

    take_in(connection, [history.events])
    with pytest.MonkeyPatch.context() as patch:
        if source == "snapshots":
            patch.setattr(selection, "ends_a_slot", lambda _: False)
        answered = answer(connection, query)

    assert answered is not None
    assert answered["total"] == (1_000 - 10) + (1_000_000 - 100_000)
    assert answered == DatedOracle(history.events).answer(query)


@pytest.mark.parametrize("source", ("sums", "snapshots"))
def test_what_a_video_gained_before_its_creator_joined_is_known_though_it_is_nothing(
    connection: Connection[TupleRow], history: History, source: str
):
    noon = datetime(2026, 3, 27, 12, tzinfo=UTC)
    creator, campaign, video = CREATORS[0], CAMPAIGNS[0], IDS[0]
    created = e.CampaignCreated(organization_id=HOME, project_id=PROJECT, name="Spring")
    history.happened(creator, added("billie"))
    history.happened(campaign, created)
    history.happened(video, found(creator, VIDEOS[0]))
    history.happened(
        campaign,
        e.CampaignItemAdded(organization_id=HOME, item_type="video", item_id=video),
        at=noon,
    )
    history.happened(
        campaign,
        e.CampaignItemAdded(organization_id=HOME, item_type="creator", item_id=creator),
        at=noon + timedelta(hours=2),
    )
    for hours, count in ((1, 5), (3, 12)):
        for snapshot in _seen(creator, noon + timedelta(hours=hours), count):
            history.happened(UUID(int=0x5C0 + len(history.events)), snapshot)
    query = DatedQuery(
        entity="campaign", entity_id=campaign, membership="dated", metric="views",
        mode="new", first=date(2026, 3, 27), last=date(2026, 3, 27), tz="UTC", now=noon,
    )  # fmt: skip

    take_in(connection, [history.events])
    with pytest.MonkeyPatch.context() as patch:
        if source == "snapshots":
            patch.setattr(selection, "ends_a_slot", lambda _: False)
        parts = broken_down(connection, query, by="creator")

    assert parts is not None
    assert [(part["id"], part["total"]) for part in parts] == [(creator, 7), (None, 0)]
    assert parts == DatedOracle(history.events).broken_down(query, 10, by="creator")


def _seen(creator: UUID, at: datetime, count: int) -> list[e.Event]:
    """The events of a scrape with so many followers, and views of one video."""
    of_videos = stats(VIDEOS[0], day=1, views=count)
    return [
        e.ProfileSnapshotRecorded(
            organization_id=HOME, creator_id=creator, observed_at=at, provider="test",
            follower_count=count,
        ),
        msgspec.structs.replace(of_videos, observed_at=at, creator_id=creator),
    ]  # fmt: skip


def _explained(connection: Connection[TupleRow], query: DatedQuery) -> dict[str, Any]:
    """The last point, with the sum of the contributions to it in place of its value."""
    question, bucket = the_question(query), the_range(query).buckets()[-1]
    answered = answer(connection, query)
    assert question is not None
    assert answered is not None
    reader, of = Within(connection), query.entity_id
    selected = selection.Selection.of(HOME, [question], [of], [bucket])
    found = at_once(explain(reader, selected, question, bucket))
    point: dict[str, Any] = answered["points"][-1]
    if point["value"] is None:
        assert not found
        return point
    return point | {"value": sum(one.contribution or 0 for one in found)}
