"""Append a batch of events to PostgreSQL in one round trip, or by COPY."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.decisions import QuotaCounter
from infra import arrays

# From this many events on, COPY is faster than the append function
# (docs/benchmarks.md).
COPY_FROM = 2_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_LIMIT = 2**63 - 1


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The actor, request and id of a command.

    ``command_id`` is unique to one command and stays the same over its retries. Events
    have it as their causation id. Unless ``project_ids`` is None, the command sees and
    changes nothing of the organization outside of these projects.
    """

    actor: str
    command_id: UUID
    correlation_id: UUID | None = None
    organization_id: UUID | None = None
    project_ids: frozenset[UUID] | None = None


class Appended(msgspec.Struct, frozen=True):
    """The position of the first event of an append, and the time."""

    first_position: int
    recorded_at: datetime


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Events to be stored, as columns: stream, version, name and body.

    ``sealed_for`` are the subjects of sealed bodies, whose keys must still exist.
    ``new_keys`` are wrapped keys of further subjects, to be stored with the events.
    """

    streams: list[UUID]
    versions: list[int]
    names: list[str]
    bodies: list[bytes]
    sealed_for: Sequence[UUID] = ()
    new_keys: Sequence[tuple[UUID, bytes]] = ()

    def __len__(self) -> int:
        return len(self.streams)


AfterAppend = Callable[[Cursor[TupleRow], Appended], None]
BeforeAppend = Callable[[Cursor[TupleRow]], None]


_APPEND = """
SELECT first_position, at FROM goatherd_append(
    %b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bigint[],
    %b::text, %b::uuid, %b::uuid,
    %b::uuid[], %b::bigint[], %b::uuid[], %b::bigint[], %b::bigint[],
    %b::uuid[], %b::uuid[], %b::bytea[])
"""
_OPEN_APPEND = """
SELECT first_position, at, previous FROM goatherd_open_append(
    %b::bigint, %b::uuid[], %b::bigint[],
    %b::uuid[], %b::bigint[], %b::uuid[], %b::bigint[], %b::bigint[],
    %b::uuid[], %b::uuid[], %b::bytea[])
"""
_COPY = """
COPY goatherd_events (notification_id, originator_id, originator_version, topic, state,
    recorded_at, actor, correlation_id, causation_id, digest) FROM STDIN (FORMAT BINARY)
"""
_COPY_TYPES = [
    *("int8", "uuid", "int8", "text", "bytea"),
    *("timestamptz", "text", "uuid", "uuid", "bytea"),
]


def link(
    previous: bytes,
    *,
    at: datetime,
    context: bytes,
    stream: UUID,
    version: int,
    name: str,
    body: bytes,
) -> bytes:
    """Return the next link in the digest chain of an event's stream.

    It is the SHA-256 of the previous link (nothing for version 1), the event's metadata
    (``context`` as ``describe_context`` returns it) and its body. The SQL function
    ``goatherd_link`` computes the same.
    """
    return hashlib.sha256(
        previous
        + ((at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)
        + stream.bytes
        + version.to_bytes(8, "big")
        + context
        + name.encode()
        + b"\n"
        + body
    ).digest()


def describe_context(context: Context) -> bytes:
    """Return the actor, request and command as bytes for the digest chain."""
    correlation = context.correlation_id or ""
    return f"{context.actor}\n{correlation}\n{context.command_id}\n".encode()


def write(
    connection: Connection[TupleRow],
    batch: Batch,
    context: Context,
    guards: Sequence[tuple[UUID, int]],
    quota_counters: Sequence[QuotaCounter],
    *,
    before_append: BeforeAppend | None,
    in_transaction: AfterAppend | None,
) -> Appended:
    """Store the batch in a transaction of its own.

    ``before_append`` runs first in that transaction, before the append lock is taken,
    so that no other append waits for it. It must not fetch. It refuses by a statement
    with which the server raises an error. ``in_transaction`` runs last.
    """
    conditions = (
        arrays.uuids([stream for stream, _ in guards]),
        arrays.bigints([version for _, version in guards]),
        arrays.uuids([counter.key for counter in quota_counters]),
        arrays.bigints([counter.delta for counter in quota_counters]),
        arrays.bigints(
            [
                _NO_LIMIT if counter.maximum is None else counter.maximum
                for counter in quota_counters
            ]
        ),
        arrays.uuids(batch.sealed_for),
        arrays.uuids([subject for subject, _ in batch.new_keys]),
        arrays.blobs([wrapped for _, wrapped in batch.new_keys]),
    )
    if in_transaction is None and len(batch) < COPY_FROM:
        # One round trip sends all of this, so that no append waits for this process
        # while it holds the lock.
        with connection.cursor(binary=True) as cursor:
            if before_append is None:
                _call_append(cursor, batch, context, conditions)
            else:
                with connection.pipeline(), connection.transaction():
                    before_append(connection.cursor())
                    _call_append(cursor, batch, context, conditions)
            return _answer(cursor)
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        if before_append is not None:
            before_append(connection.cursor())
        if len(batch) < COPY_FROM:
            _call_append(cursor, batch, context, conditions)
            appended = _answer(cursor)
        else:
            appended = _copy(cursor, batch, context, conditions)
        if in_transaction is not None:
            in_transaction(cursor, appended)
        return appended


def _call_append(
    cursor: Cursor[TupleRow],
    batch: Batch,
    context: Context,
    conditions: tuple[arrays.Packed, ...],
) -> None:
    cursor.execute(
        _APPEND,
        (
            arrays.uuids(batch.streams),
            arrays.bigints(batch.versions),
            arrays.texts(batch.names),
            arrays.blobs(batch.bodies),
            arrays.bigints(_depths(batch.streams)),
            context.actor,
            context.correlation_id,
            context.command_id,
            *conditions,
        ),
        prepare=True,
    )


def _answer(cursor: Cursor[TupleRow]) -> Appended:
    row = cursor.fetchone()
    assert row is not None
    return Appended(*row)


def _depths(streams: Sequence[UUID]) -> list[int]:
    """Return, for each event, how many earlier events of the batch share its stream.

    The list is empty if no stream occurs twice.
    """
    numbers = [stream.int for stream in streams]  # a UUID is hashed in Python
    if len(set(numbers)) == len(numbers):
        return []
    counts: Counter[int] = Counter()
    depths: list[int] = []
    for number in numbers:
        depths.append(counts[number])
        counts[number] += 1
    return depths


def _copy(
    cursor: Cursor[TupleRow],
    batch: Batch,
    context: Context,
    conditions: tuple[arrays.Packed, ...],
) -> Appended:
    written: set[tuple[UUID, int]] = set()
    continued: list[tuple[UUID, int]] = []
    for stream, version in zip(batch.streams, batch.versions, strict=True):
        if version != 1 and (stream, version - 1) not in written:
            continued.append((stream, version - 1))
        written.add((stream, version))
    row = cursor.execute(
        _OPEN_APPEND,
        (
            len(batch),
            arrays.uuids([stream for stream, _ in continued]),
            arrays.bigints([version for _, version in continued]),
            *conditions,
        ),
        prepare=True,
    ).fetchone()
    assert row is not None
    first, at, digests = row
    links: dict[tuple[UUID, int], bytes] = dict(zip(continued, digests, strict=True))
    described = describe_context(context)
    events = zip(batch.streams, batch.versions, batch.names, batch.bodies, strict=True)
    with cursor.copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for position, (stream, version, name, body) in enumerate(events, first):
            digest = link(
                b"" if version == 1 else links[stream, version - 1],
                at=at,
                context=described,
                stream=stream,
                version=version,
                name=name,
                body=body,
            )
            links[stream, version] = digest
            copy.write_row(
                (
                    *(position, stream, version, name, body),
                    *(at, context.actor, context.correlation_id, context.command_id),
                    digest,
                )
            )
    return Appended(first, at)
