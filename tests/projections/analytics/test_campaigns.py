"""An item of a campaign counts once on any number of paths: a fold of its tree."""

from collections.abc import Sequence
from datetime import date
from random import Random
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.membership import Members
from infra.eventstore.store import RecordedEvent
from projections.analytics.read import selection
from projections.analytics.read.members import members_of
from tests.kit.histories import HOME, PROJECT, History, added, found, stats
from tests.projections.analytics.oracle import Oracle, OracleQuery
from tests.projections.analytics.rule_histories import of_all_time
from tests.projections.analytics.test_analytics import (
    CAMPAIGNS,
    CREATORS,
    IDS,
    RULES,
    SLOWLY,
    Within,
    answer,
    at_once,
    changes,
    contents,
    histories,
    memberships,
    questions,
    rebuild,
    snapshots,
    take_in,
)
from tests.projections.analytics.test_batches import cut

HISTORIES = histories(
    steps=st.one_of(
        snapshots(), memberships(), snapshots(), memberships(), memberships(), changes()
    )
)
QUERIES = st.lists(questions(of=["campaign"]), min_size=8, max_size=8)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@SLOWLY
@given(events=HISTORIES, rule=RULES, query=QUERIES, sizes=SIZES, part=st.floats(0, 1))
def test_a_campaigns_numbers_are_the_plain_fold_of_its_tree(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    sizes: list[int],
    part: float,
):
    position = round(part * len(events))
    oracle, then = Oracle(events, rule=rule), Oracle(events, as_of=position)
    reader = Within(connection)

    with connection.transaction(force_rollback=True):
        take_in(connection, cut(events, sizes), rule=rule)
        for one in query:
            answered = answer(connection, one)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(selection, "ends_a_slot", lambda _: False)
                by_levels = answer(connection, one)

            if answered is not None:
                assert answered == oracle.answer(one), one
            assert by_levels == answered, one
        for known, as_of in ((oracle, None), (then, position)):
            for one in CAMPAIGNS:
                # A video of a member creator is no member of its own.
                creators, videos = known.members(one)
                members = at_once(members_of(reader, HOME, one, as_of))
                assert members == Members(creators=creators, videos=videos), as_of


@SLOWLY
@given(
    events=HISTORIES,
    rule=RULES,
    sizes=SIZES,
    partitions=st.integers(1, 3),
    random=st.randoms(use_true_random=False),
)
def test_campaigns_are_the_same_rows_live_in_any_order_and_rebuilt(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    sizes: list[int],
    partitions: int,
    random: Random,
):
    slices: list[Sequence[RecordedEvent]] = cut(events, sizes)
    shuffled = [*slices, *slices[::2]]
    random.shuffle(shuffled)

    with connection.transaction(force_rollback=True):
        take_in(connection, slices, rule=rule)
        live = contents(connection)
    with connection.transaction(force_rollback=True):
        take_in(connection, shuffled, rule=rule)
        in_any_order = contents(connection)
    with connection.transaction(force_rollback=True):
        rebuild(connection, shuffled, partitions=partitions, rule=rule)
        rebuilt = contents(connection)

    assert in_any_order == live
    assert rebuilt == live


@pytest.mark.parametrize("batches", (1, 2, 9))
def test_a_video_counts_once_when_its_creator_becomes_known_and_is_a_member(
    connection: Connection[TupleRow], history: History, batches: int
):
    creator, campaign, above = CREATORS[0], CAMPAIGNS[1], CAMPAIGNS[0]
    history.happened(creator, added("billie"))
    for each in (above, campaign):
        created = e.CampaignCreated(
            organization_id=HOME, project_id=PROJECT, name="Campaign"
        )
        history.happened(each, created)
    by_url = e.VideoAdded(
        organization_id=HOME,
        project_id=PROJECT,
        tiktok_video_id="2",
        handle="billie",
        kind="video",
    )
    history.happened(IDS[1], by_url)
    items: list[tuple[UUID, e.ItemType, UUID]] = [
        (above, "campaign", campaign),
        (above, "creator", creator),
        (campaign, "video", IDS[1]),
        (campaign, "creator", creator),
    ]
    for holder, item_type, item_id in items:
        item = e.CampaignItemAdded(
            organization_id=HOME, item_type=item_type, item_id=item_id
        )
        history.happened(holder, item)
    history.happened(UUID(int=0x5C0), stats("2", day=60, views=70))
    history.happened(IDS[1], found(creator, "2"))
    reader = Within(connection)

    take_in(connection, cut(history.events, [-(-len(history.events) // batches)]))

    for one in (above, campaign):
        query = of_all_time("campaign", one, "views")
        query = msgspec.structs.replace(query, last=date(2026, 12, 31))
        members = at_once(members_of(reader, HOME, one))
        answered = answer(connection, query)
        assert members == Members(creators={creator}, videos=set())
        assert answered is not None
        assert answered["points"][3]["baseline"]
        assert answered == Oracle(history.events).answer(query)
