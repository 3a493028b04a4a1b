"""Counted from now back, or from the beginning on: the counter series are the same."""

from datetime import timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from domain.analytics.buckets import Range
from domain.analytics.metrics import checked_question
from infra.eventstore.store import RecordedEvent
from projections.analytics.queries.recent_days import recent
from projections.analytics.queries.series import series_by_entity
from projections.engine.reader import Reader
from tests.kit.histories import HOME
from tests.projections.analytics.test_analytics import (
    CREATORS,
    DAYS,
    FIRST,
    RULES,
    SLOWLY,
    ZONES,
    Within,
    at_once,
    histories,
    take_in,
)
from tests.projections.analytics.test_batches import cut


@SLOWLY
@given(
    events=histories(),
    rule=RULES,
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    begins=st.integers(0, DAYS),
    days=st.integers(1, DAYS),
    zone=st.sampled_from(ZONES),
)
def test_what_is_counted_from_now_back_is_what_is_counted_from_the_beginning(
    connection: Connection[TupleRow],
    events: list[RecordedEvent],
    rule: BaselineRule,
    sizes: list[int],
    begins: int,
    days: int,
    zone: str,
):
    buckets = Range(
        first=FIRST + timedelta(days=begins),
        last=FIRST + timedelta(days=begins + days - 1),
        granularity="day",
        zone=ZoneInfo(zone),
    ).buckets()
    reader = cast("Reader", Within(connection))
    nobody = UUID(int=1)

    with connection.transaction(force_rollback=True):
        take_in(connection, cut(events, sizes), rule=rule)
        found = at_once(recent(reader, HOME, [*CREATORS, nobody], buckets))
        expected = {
            metric: at_once(
                series_by_entity(
                    reader,
                    HOME,
                    checked_question(entity="creator", metric=metric),
                    [*CREATORS, nobody],
                    buckets,
                )
            )
            for metric in ("views", "followers")
        }

    assert found.keys() == {*CREATORS, nobody}
    for id_, accounts in found.items():
        assert accounts.views == expected["views"][id_]["views"]
        assert accounts.followers == expected["followers"][id_]["followers"]
