"""The past: a creator as of every position is the plain fold up to there."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent
from projections.creator_history.projection import CreatorHistory
from projections.creators import as_of
from projections.creators.as_of import creator_as_of
from projections.engine.reader import Query, Reader
from tests.kit.depth import part_of
from tests.kit.expected import creator_list
from tests.kit.histories import (
    HOME,
    History,
    added,
    failed,
    requested,
    snapshot,
    succeeded,
)
from tests.projections.analytics.test_batches import NAMES, SLOWLY, histories

BILLIE = UUID(int=0xB1)
PRECISIONS = st.sampled_from((None, "exact", "rounded"))


class HereReader(Reader):
    """Reads rows of the test's own transaction, with no wall but the first."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._codec = Codec()
        self.project_ids = None

    async def run(self, query: Query) -> list[TupleRow]:
        for statement, values in query.as_whom:
            self._connection.execute(statement, values)
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(query.text, query.parameters).fetchall()


def keep(connection: Connection[TupleRow], events: list[RecordedEvent]) -> None:
    """Put the events into the log with the positions and times that they have."""
    codec = Codec()
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO goatherd_events (notification_id, originator_id, "
            "originator_version, topic, state, recorded_at, actor, digest) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, '')",
            [
                (
                    *(f.position, f.stream, f.version, codec.name_of(f.event)),
                    *(codec.encode(f.event), f.recorded_at, f.actor),
                )
                for f in events
            ],
        )
        events_read = [
            f for f in events if NAMES[type(f.event)] in CreatorHistory.events
        ]
        CreatorHistory().write(cursor, events_read)


def then(
    connection: Connection[TupleRow],
    creator_id: UUID,
    *,
    at: int,
    organization_id: UUID = HOME,
) -> dict[str, Any] | None:
    row = asyncio.run(
        creator_as_of(HereReader(connection), organization_id, creator_id, at=at)
    )
    if row is None:
        return None
    failing = msgspec.to_builtins(row.failing_kinds)
    return {**msgspec.structs.asdict(row), "failing_kinds": failing}


@settings(SLOWLY, max_examples=part_of(30))
@given(events=histories())
def test_as_of_every_position_is_a_plain_fold_up_to_there(
    connection: Connection[TupleRow], events: list[RecordedEvent]
):
    owners = {
        event.stream: event.event.organization_id
        for event in events
        if isinstance(event.event, e.CreatorAdded)
    }

    with connection.transaction(force_rollback=True):
        keep(connection, events)
        for at in range(len(events) + 2):
            folded = creator_list(events[:at])
            for creator_id, organization_id in owners.items():
                shown = then(
                    connection, creator_id, at=at, organization_id=organization_id
                )
                assert shown == folded.get(creator_id)


@settings(SLOWLY, max_examples=part_of(60))
@given(
    seen=st.lists(
        st.fixed_dictionaries(
            {"day": st.integers(0, 3), "precision": PRECISIONS},
            optional=dict.fromkeys(
                ("follower_count", "following_count", "total_likes_count"),
                st.integers(0, 9) | st.sampled_from((49_950, 50_000, 50_099, 50_100)),
            ),
        ),
        max_size=8,
    )
)
def test_figures_are_found_as_far_back_as_they_were_last_told(
    connection: Connection[TupleRow], seen: list[dict[str, Any]]
):
    history = History()
    whole = {"display_name": "B", "avatar_url": "https://b", "video_count": 1}
    history.happened(BILLIE, added())
    for number, events_read in enumerate(seen, 1):
        history.happened(UUID(int=number), snapshot(BILLIE, **{**whole, **events_read}))

    with (
        connection.transaction(force_rollback=True),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(as_of, "_SNAPSHOTS", (1, 2, 100))
        keep(connection, history.events)
        shown = then(connection, BILLIE, at=len(history.events))

    assert shown == creator_list(history.events)[BILLIE]


def test_the_last_live_scrape_is_found_behind_many_imported_ones(
    connection: Connection[TupleRow], history: History
):
    history.happened(BILLIE, added())
    history.happened(UUID(int=1), requested(BILLIE), succeeded(BILLIE))
    imported = msgspec.structs.replace(succeeded(BILLIE), provider="import")
    for run in range(2, 9):
        history.happened(UUID(int=run), requested(BILLIE), imported)

    keep(connection, history.events)

    shown = then(connection, BILLIE, at=len(history.events))
    assert shown is not None
    assert shown == creator_list(history.events)[BILLIE]
    assert shown["last_scraped_at"] is not None


@pytest.mark.parametrize("others", (3, 6))
def test_what_fails_of_a_kind_is_found_behind_good_scrapes_of_another(
    connection: Connection[TupleRow], history: History, others: int
):
    history.happened(BILLIE, added())
    for run in (1, 2):
        history.happened(UUID(int=run), failed(BILLIE, job_type="video_stats"))
    for run in range(3, 3 + others):
        history.happened(UUID(int=run), succeeded(BILLIE))

    keep(connection, history.events)

    shown = then(connection, BILLIE, at=len(history.events))
    assert shown is not None
    assert shown == creator_list(history.events)[BILLIE]
    assert shown["failed_scrapes"] == 2


def test_another_organization_has_no_past_of_it(
    connection: Connection[TupleRow], history: History
):
    history.happened(BILLIE, added(), snapshot(BILLIE, follower_count=7))

    keep(connection, history.events)

    assert then(connection, BILLIE, at=9, organization_id=UUID(int=5)) is None
