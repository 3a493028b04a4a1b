"""Breakdowns of projects and campaigns: each part by a plain fold, nothing twice."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics.read import breakdown, selection
from tests.projections.analytics.oracle import Oracle, OracleQuery
from tests.projections.analytics.test_analytics import (
    RULES,
    SLOWLY,
    answer,
    broken_down,
    histories,
    questions,
    take_in,
)
from tests.projections.analytics.test_campaigns import HISTORIES

QUESTIONS = questions(of=["project", "campaign"])
# Only metrics of profiles are rounded, and sharpened.
OF_FOLLOWERS = st.builds(
    lambda query, mode: msgspec.structs.replace(
        query, metric="followers", mode=mode, base_metric=None
    ),
    QUESTIONS,
    st.sampled_from(["new", "cumulative"]),
)
QUERIES = st.lists(st.one_of(QUESTIONS, OF_FOLLOWERS), min_size=4, max_size=4)
MOST = st.sampled_from([0, 1, 1, 1, 10])


@SLOWLY
@given(
    events=st.one_of(HISTORIES, histories()), rule=RULES, query=QUERIES, most=MOST,
    part=st.floats(0, 1),
)  # fmt: skip
def test_a_breakdown_by_creator_is_the_plain_fold_and_sums_to_the_whole(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    query: list[OracleQuery],
    most: int,
    part: float,
):
    position = round(part * len(events))
    now, then = Oracle(events, rule=rule), Oracle(events, as_of=position, rule=rule)

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(breakdown, "MOST_SERIES", most)
        take_in(connection, [events], rule=rule)
        for one in query:
            earlier = msgspec.structs.replace(one, as_of=position)
            whole = answer(connection, one)
            if whole is None:
                continue
            answered = broken_down(connection, one, by="creator")
            with pytest.MonkeyPatch.context() as by_levels:
                by_levels.setattr(selection, "ends_a_slot", lambda _: False)
                from_levels = broken_down(connection, one, by="creator")

            assert answered == now.broken_down(one, most, by="creator"), one
            assert from_levels == answered, one
            if one.mode != "rate":
                videos = broken_down(connection, one, by="video")
                for parts in (answered, videos):
                    assert_sums_to(whole, parts, one)
            if answer(connection, earlier) is not None:
                of_then = broken_down(connection, earlier, by="creator")
                assert of_then == then.broken_down(one, most, by="creator"), one


def assert_sums_to(
    whole: dict[str, Any], parts: list[dict[str, Any]] | None, one: OracleQuery
) -> None:
    if parts is not None:
        assert _values(whole) == [
            _sum(values) for values in zip(*map(_values, parts), strict=True)
        ] or (not parts and not any(_values(whole))), one


def _values(answered: dict[str, Any]) -> list[int | None]:
    return [point["value"] for point in answered["points"]]


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
