"""A creator that moves takes all numbers along or leaves its old ones: a plain fold."""

from collections.abc import Sequence
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.day_sums import DAY_SUMS
from projections.analytics.read import breakdown, selection
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.totals import with_first_days
from projections.analytics.summaries.creators import count_of_creators, ranked_creators
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import active_creators
from tests.kit.depth import part_of
from tests.kit.histories import HOME
from tests.projections.analytics.oracle import Oracle, OracleQuery
from tests.projections.analytics.test_analytics import (
    RULES,
    SLOWLY,
    Within,
    answer,
    assert_observations_add_up,
    at_once,
    broken_down,
    changes,
    contents,
    histories,
    memberships,
    moves,
    questions,
    rebuild,
    snapshots,
    take_in,
    the_range,
)
from tests.projections.analytics.test_batches import cut

STEPS = st.one_of(
    snapshots(), snapshots(), moves(history="stay"), changes(), memberships(), moves()
)
HISTORIES = st.one_of(histories(steps=STEPS))
QUERIES = st.lists(
    questions(of=["project", "project", "creator"]), min_size=4, max_size=4
)
FEW = settings(SLOWLY, max_examples=part_of(30))


@FEW
@given(
    events=HISTORIES, rule=RULES, query=QUERIES, sizes=st.lists(
        st.integers(1, 9), min_size=1, max_size=4
    ), partitions=st.integers(1, 3), part=st.floats(0.4, 1),
    order=st.sampled_from(get_args(CreatorFigure)),
)  # fmt: skip
def test_a_project_has_the_numbers_that_its_creators_gained_for_it_or_brought(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    sizes: list[int],
    partitions: int,
    part: float,
    order: CreatorFigure,
):
    position = round(part * len(events))
    now = Oracle(events, rule=rule)
    then = Oracle(events, as_of=position, rule=rule)
    slices: list[Sequence[RecordedEvent]] = cut(events, sizes)

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as few,
    ):
        few.setattr(breakdown, "MOST_SERIES", 1)
        take_in(connection, [*slices, *slices[::2]], rule=rule)
        live = contents(connection)
        assert_sums_have_the_projects_of_creators(connection)
        for one in query:
            earlier = msgspec.structs.replace(one, as_of=position)
            assert_all_is_the_plain_fold(connection, one, now)
            assert_all_is_the_plain_fold(connection, earlier, then)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(selection, "ends_a_slot", lambda _: False)
                assert_all_is_the_plain_fold(connection, one, now)
        for one in query[:2]:
            if one.entity == "project":
                assert_creators_have_their_shares(connection, one, now, order)
    with connection.transaction(force_rollback=True):
        rebuild(connection, slices[::-1], partitions=partitions, rule=rule)
        rebuilt = contents(connection)
        assert_sums_have_the_projects_of_creators(connection)

    assert rebuilt == live


def assert_all_is_the_plain_fold(
    connection: Connection[TupleRow], one: OracleQuery, oracle: Oracle
) -> None:
    """The numbers, their parts by video and creator, and what explains the last."""
    answered = answer(connection, one)
    if answered is None:
        return
    assert answered == oracle.answer(one), one
    assert_observations_add_up(connection, one, answered)
    for by in ("video", "creator"):
        parts = broken_down(connection, one, by=by)
        if parts is not None:
            assert parts == oracle.broken_down(one, 1, by=by), (by, one)


def assert_sums_have_the_projects_of_creators(
    connection: Connection[TupleRow],
) -> None:
    """Limited people see the rows of a creator's sums as they see the creator."""
    tables = [name for sums in DAY_SUMS for name in (sums.totals, sums.days)]
    for table in (*tables, "analytics_creator_posts"):
        query = sql.SQL(
            "SELECT held.id, held.project_id, s.project_id FROM {table} AS held "
            "LEFT JOIN analytics_subjects AS s USING (organization_id, id) "
            "WHERE held.project_id IS DISTINCT FROM s.project_id"
        ).format(table=sql.Identifier(table))
        assert connection.execute(query).fetchall() == [], table


def assert_creators_have_their_shares(
    connection: Connection[TupleRow],
    one: OracleQuery,
    oracle: Oracle,
    order: CreatorFigure,
) -> None:
    """The leaderboard of a project, and how many of its creators posted."""
    reader = Within(connection)
    scope = SummaryScope(organization_id=HOME, kind="project", id=one.entity_id)
    days = the_range(one)
    found = at_once(
        ranked_creators(reader, scope, days, order=order, limit=None, offset=0)
    )
    expected = oracle.creators_of_project(one)

    def place(creator: UUID) -> tuple[bool, float, UUID]:
        value = expected[creator][order]
        return value is None, -(value or 0), creator

    assert [each.creator_id for each in found] == sorted(expected, key=place)
    for each in at_once(with_first_days(reader, HOME, found, days)):
        figures = expected[each.creator_id]
        assert {name: getattr(each, name) for name in figures} == figures, one
    page = ranked_creators(reader, scope, days, order=order, limit=1, offset=1)
    assert at_once(page) == found[1:2]
    assert at_once(count_of_creators(reader, scope)) == len(found)
    active = active_creators(reader, scope, start=days.start, end=days.end)
    assert at_once(active) == sum(figures["posts"] > 0 for figures in expected.values())
