"""Who moves takes all numbers along: the plain fold of where each creator is."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics.queries import series
from tests.projections.analytics.oracle import Oracle, OracleQuery
from tests.projections.analytics.test_analytics import (
    RULES,
    SLOWLY,
    answer,
    changes,
    contents,
    histories,
    memberships,
    moves,
    questions,
    rebuild,
    snapshots,
    take_in,
)
from tests.projections.analytics.test_batches import cut

STEPS = st.one_of(snapshots(), snapshots(), moves(), changes(), memberships(), moves())
HISTORIES = st.one_of(histories(steps=STEPS))
QUERIES = st.lists(
    questions(of=["project", "project", "creator"]), min_size=4, max_size=4
)
FEW = settings(SLOWLY, max_examples=30)


@FEW
@given(
    events=HISTORIES, rule=RULES, query=QUERIES, sizes=st.lists(
        st.integers(1, 9), min_size=1, max_size=4
    ), partitions=st.integers(1, 3), part=st.floats(0, 1),
)  # fmt: skip
def test_a_project_has_the_numbers_of_the_creators_that_are_in_it(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    sizes: list[int],
    partitions: int,
    part: float,
):
    position = round(part * len(events))
    now = Oracle(events, rule=rule)
    then = Oracle(events, as_of=position, rule=rule)
    slices: list[Sequence[RecordedEvent]] = cut(events, sizes)

    with connection.transaction(force_rollback=True):
        take_in(connection, [*slices, *slices[::2]], rule=rule)
        live = contents(connection)
        for one in query:
            answered = answer(connection, one)
            earlier = msgspec.structs.replace(one, as_of=position)
            of_then = answer(connection, earlier)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(series, "ends_a_slot", lambda _: False)
                by_levels = answer(connection, one)

            if answered is not None:
                assert answered == now.answer(one), one
            assert by_levels == answered, one
            if of_then is not None:
                assert of_then == then.answer(one), one
    with connection.transaction(force_rollback=True):
        rebuild(connection, slices[::-1], partitions=partitions, rule=rule)
        rebuilt = contents(connection)

    assert rebuilt == live
