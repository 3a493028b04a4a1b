import hashlib
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import class_row

from domain import events as e
from infra.eventstore import append as appending
from infra.eventstore.append import Context, describe_context, link
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import ADA, BERTA, SCRAPE, asking, events_for
from tests.kit.depth import part_of

BROKEN_LINKS = """
SELECT notification_id FROM (
    SELECT *, lag(digest) OVER stream AS previous FROM goatherd_events
    WINDOW stream AS (PARTITION BY originator_id ORDER BY originator_version)
) AS chained
WHERE digest IS DISTINCT FROM goatherd_link(
    coalesce(previous, ''), goatherd_moment(recorded_at),
    goatherd_ask(actor, correlation_id, causation_id),
    originator_id, originator_version, topic, state)
ORDER BY notification_id
"""


class Row(msgspec.Struct):
    """An event as it lies in the table."""

    notification_id: int
    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes
    recorded_at: datetime
    actor: str
    correlation_id: UUID | None
    causation_id: UUID | None
    digest: bytes


def test_a_link_is_made_of_these_bytes_and_no_others():
    at = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    context = Context(actor="cli", command_id=ADA, correlation_id=BERTA)

    digest = link(
        b"\x01\x02",
        at=at,
        context=describe_context(context),
        stream=SCRAPE,
        version=258,
        name="handle_banned",
        body=b'{"handle":"ada"}',
    )

    assert (
        digest
        == hashlib.sha256(
            b"\x01\x02"
            + (1_772_366_400_250_000).to_bytes(8, "big")
            + bytes.fromhex("0000000000004000800000000000005c")
            + bytes.fromhex("0000000000000102")
            + b"cli\n00000000-0000-4000-8000-00000000000b\n"
            + b"00000000-0000-4000-8000-00000000000a\n"
            + b"handle_banned\n"
            + b'{"handle":"ada"}'
        ).digest()
    )


def test_a_missing_conversation_leaves_its_line_empty():
    context = Context(actor="key:Söhne", command_id=ADA)

    assert describe_context(context) == f"key:Söhne\n\n{ADA}\n".encode()


@given(
    at=st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - timezones= adds it
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
        timezones=st.just(UTC),
    ),
    actor=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    correlation=st.none() | st.uuids(),
    stream=st.uuids(),
    version=st.integers(1, 2**63 - 1),
    name=st.sampled_from(("handle_banned", "goat\N{GOAT}")),
    body=st.binary(),
    previous=st.binary(max_size=32),
)
@settings(
    max_examples=part_of(50),
    deadline=None,
    # One empty database serves all examples: nothing is written to it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_sql_and_python_make_the_same_link(
    store: Store,
    at: datetime,
    actor: str,
    correlation: UUID | None,
    stream: UUID,
    version: int,
    name: str,
    body: bytes,
    previous: bytes,
):
    context = Context(actor=actor, command_id=ADA, correlation_id=correlation)

    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT goatherd_link(%s, goatherd_moment(%s), goatherd_ask(%s, %s, %s),"
            " %s, %s, %s, %s)",
            (previous, at, actor, correlation, ADA, stream, version, name, body),
        ).fetchone()

    assert row is not None
    assert row[0] == link(
        previous,
        at=at,
        context=describe_context(context),
        stream=stream,
        version=version,
        name=name,
        body=body,
    )


class Appends(msgspec.Struct, frozen=True):
    """Which stream (by number) each event of one append goes to, and by which way."""

    streams: list[int]
    by_copy: bool


APPENDS = st.lists(
    st.builds(
        Appends,
        streams=st.lists(st.integers(0, 3), min_size=1, max_size=12),
        by_copy=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(appends=APPENDS)
@settings(
    max_examples=part_of(40),
    deadline=None,
    # Streams are new in each example; what others left in the log does no harm.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_however_streams_interleave_every_event_is_in_order_and_chained(
    store: Store, appends: list[Appends]
):
    streams = [new_id() for _ in range(4)]
    lengths = dict.fromkeys(streams, 0)
    wanted: list[NewEvent] = []

    for append in appends:
        entries: list[NewEvent] = []
        for stream in (streams[number] for number in append.streams):
            lengths[stream] += 1
            event = e.HandleBanned(handle=str(len(wanted) + len(entries)))
            entries.append(NewEvent(stream, lengths[stream], event))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(appending, "COPY_FROM", 1 if append.by_copy else 1_000)
            store.append(entries, context=asking())
        wanted += entries

    rows = _rows(store, streams)
    decode = store.codec.decode
    assert [
        NewEvent(
            row.originator_id, row.originator_version, decode(row.topic, row.state)
        )
        for row in rows
    ] == wanted
    assert _consecutive_in_each_append(rows)
    assert [row.digest for row in rows] == _digests(rows)
    assert _broken_links(store) == []


@pytest.mark.parametrize(
    ("change", "broken"),
    (
        ("SET state = '{}' WHERE notification_id = 2", [2]),
        ("SET actor = 'nobody' WHERE notification_id = 2", [2]),
        (
            "SET recorded_at = recorded_at - interval '1us' WHERE notification_id = 3",
            [3],
        ),
        ("SET causation_id = NULL WHERE notification_id = 1", [1]),
        ("SET digest = '' WHERE notification_id = 1", [1, 2]),
        ("SET originator_version = 5 WHERE notification_id = 4", [4]),
    ),
)
@pytest.mark.parametrize("copy_from", (1, 1_000))
def test_whoever_changes_history_breaks_a_link(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    broken: list[int],
    copy_from: int,
):
    monkeypatch.setattr(appending, "COPY_FROM", copy_from)
    store.append(events_for(new_id(), "a", "b", "c", "d"), context=asking())
    before = _broken_links(store)

    _change_history(store, f"UPDATE goatherd_events {change}")

    assert before == []
    assert _broken_links(store) == broken


def test_whoever_takes_an_event_out_of_history_breaks_a_link(store: Store):
    store.append(events_for(new_id(), "a", "b", "c"), context=asking())

    _change_history(store, "DELETE FROM goatherd_events WHERE notification_id = 2")

    assert _broken_links(store) == [3]


@pytest.mark.parametrize(
    "statement",
    (
        "UPDATE goatherd_events SET actor = 'nobody'",
        "UPDATE goatherd_events SET state = '{}' WHERE notification_id = 1",
        "DELETE FROM goatherd_events",
        "DELETE FROM goatherd_events WHERE originator_version = 1",
        "TRUNCATE goatherd_events",
    ),
)
def test_history_cannot_be_changed_by_accident(store: Store, statement: str):
    store.append(events_for(new_id(), "a"), context=asking())

    with (
        store.pool.connection() as connection,
        pytest.raises(psycopg.Error, match="append-only") as refused,
    ):
        connection.execute(statement.encode())

    assert refused.value.sqlstate == "GH009"
    assert _broken_links(store) == []
    assert store.head() == 1


def test_the_log_is_readable_in_sql(store: Store):
    stream = new_id()
    context = Context(actor="cli", command_id=new_id(), correlation_id=new_id())
    (recorded,) = store.append(
        [NewEvent(stream, 1, e.HandleBanned(handle="ada", reason='says "mäh"\n'))],
        context=context,
    )

    with store.pool.connection() as connection:
        cursor = connection.execute("SELECT * FROM event_log")
        columns = [column.name for column in cursor.description or ()]
        row = cursor.fetchone()
        found = connection.execute(
            "SELECT position FROM event_log WHERE payload ? 'handle'"
            " AND pg_typeof(payload)::text = 'jsonb'"
        ).fetchone()

    assert row is not None
    shown = dict(zip(columns, row, strict=True))
    payload = shown.pop("payload")
    assert payload.keys() == {"sealed", "handle", "reason"}
    assert all(payload[name].startswith("sealed:") for name in ("handle", "reason"))
    assert shown == {
        "position": recorded.position,
        "stream": stream,
        "version": 1,
        "name": "handle_banned",
        "actor": "cli",
        "recorded_at": recorded.recorded_at,
        "correlation_id": context.correlation_id,
        "causation_id": context.command_id,
    }
    assert found == (recorded.position,)


def _rows(store: Store, streams: list[UUID]) -> list[Row]:
    with store.pool.connection() as connection:
        return (
            connection.cursor(row_factory=class_row(Row))
            .execute(
                "SELECT notification_id, originator_id, originator_version, topic,"
                " state, recorded_at, actor, correlation_id, causation_id, digest"
                " FROM goatherd_events WHERE originator_id = ANY(%s)"
                " ORDER BY notification_id",
                (streams,),
            )
            .fetchall()
        )


def _digests(rows: list[Row]) -> list[bytes]:
    """The digests that rows in order of position must have."""
    digests: list[bytes] = []
    last: dict[UUID, bytes] = {}
    for row in rows:
        assert row.causation_id is not None
        context = Context(
            actor=row.actor,
            command_id=row.causation_id,
            correlation_id=row.correlation_id,
        )
        digest = link(
            last.get(row.originator_id, b""),
            at=row.recorded_at,
            context=describe_context(context),
            stream=row.originator_id,
            version=row.originator_version,
            name=row.topic,
            body=row.state,
        )
        last[row.originator_id] = digest
        digests.append(digest)
    return digests


def _consecutive_in_each_append(rows: list[Row]) -> bool:
    return all(
        after.notification_id == before.notification_id + 1
        for before, after in pairwise(rows)
        if after.causation_id == before.causation_id
    )


def _broken_links(store: Store) -> list[int]:
    with store.pool.connection() as connection:
        return [row[0] for row in connection.execute(BROKEN_LINKS)]


def _change_history(store: Store, statement: str) -> None:
    """Do what only somebody who means it can: triggers off, then change."""
    with store.pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(statement.encode())
