"""Reads of the event log for roots and checks, in parts that fit into memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import LiteralString, TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.integrity.chains import LinkedEvent, Place
from domain.integrity.check import RecordedRoot
from domain.integrity.events import RootSigned, SigningKeyRotated
from domain.integrity.merkle import MerkleTree
from domain.integrity.roots import HeadTrees
from domain.integrity.signing_keys import RecordedRotation
from domain.integrity.soundness import is_sound
from domain.streams import INSTALLATION
from infra.eventstore.codec import Codec, UnknownEventError

T = TypeVar("T", RootSigned, SigningKeyRotated)

_ROWS_AT_ONCE = 10_000
# The number of roots whose trees are made while the heads are read once.
TREES_AT_ONCE = 30
_CODEC = Codec()
# The server counts microseconds from 2000 on, a digest from 1970 on.
_MICROSECONDS_TO_2000 = 946_684_800_000_000

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM goatherd_events"
_SIGNED = """
SELECT notification_id, state FROM goatherd_events
WHERE originator_id = %s AND topic = %s AND notification_id > %s
ORDER BY originator_version
"""
_NEWEST_ROOT = """
SELECT notification_id, state FROM goatherd_events
WHERE originator_id = %s AND topic = %s AND notification_id > %s
ORDER BY originator_version DESC LIMIT 1
"""
# The index of the first of the ordered positions that is not before the event.
_HEADS: LiteralString = """
SELECT DISTINCT ON (originator_id, first)
       width_bucket(notification_id - 1, %(positions)s::bigint[]) AS first,
       uuid_send(originator_id) || int8send(originator_version) || digest
FROM goatherd_events WHERE notification_id <= %(last)s
ORDER BY originator_id, first, originator_version DESC
"""
_DIGESTS = """
SELECT notification_id, digest FROM goatherd_events
WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id
"""
# The query uses only PostgreSQL's own functions: those in the schema may have been
# replaced.
_LINKED = """
SELECT notification_id, digest, timestamptz_send(recorded_at),
       uuid_send(originator_id) || int8send(originator_version)
       || convert_to(concat(actor, E'\\n', correlation_id, E'\\n', causation_id, E'\\n',
                            topic, E'\\n'), 'UTF8') || state
FROM goatherd_events WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id
"""
_PARTS = """
SELECT DISTINCT notification_id / %s FROM goatherd_events WHERE notification_id > %s
ORDER BY 1
"""
_NAME = """
SELECT current_database() || ' ' || encode(digest, 'hex') FROM goatherd_events
ORDER BY notification_id LIMIT 1
"""
_TIME_BEFORE = """
SELECT timestamptz_send(recorded_at) FROM goatherd_events
WHERE notification_id < %s ORDER BY notification_id DESC LIMIT 1
"""
_PLACES = """
SELECT uuid_send(originator_id) || int8send(originator_version), notification_id, digest
FROM unnest(%s::uuid[], %s::bigint[]) AS place (id, version)
JOIN goatherd_events ON originator_id = id AND originator_version = version
"""


def head_of(connection: Connection[TupleRow]) -> int:
    """Return the position of the newest event, 0 in an empty log."""
    row = connection.execute(_HEAD).fetchone()
    return 0 if row is None else row[0]


def recorded_roots(
    connection: Connection[TupleRow], *, after: int = 0
) -> list[RecordedRoot]:
    """Return the readable roots of the log, in their order.

    Their events are after the position ``after``.
    """
    return [
        RecordedRoot(position, root)
        for position, root in _signed(connection, _SIGNED, RootSigned, after=after)
        if root is not None
    ]


def unreadable_roots(connection: Connection[TupleRow]) -> list[int]:
    """Return the positions of events that are roots by name, but unreadable."""
    return [
        position
        for position, root in _signed(connection, _SIGNED, RootSigned)
        if root is None
    ]


def newest_recorded(connection: Connection[TupleRow]) -> RootSigned | None:
    """Return the newest root in the log, None if there is none."""
    found = _signed(connection, _NEWEST_ROOT, RootSigned)
    return next((root for _, root in found if root is not None), None)


def heads_at(
    connection: Connection[TupleRow], positions: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """Yield the heads of all streams at each position, as ``HeadTrees`` takes them.

    ``positions`` are in order. The caller has begun a transaction.
    """
    with connection.cursor("heads", binary=True) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        parameters = {"positions": list(positions), "last": positions[-1]}
        yield from cursor.execute(_HEADS, parameters)


def recorded_rotations(connection: Connection[TupleRow]) -> list[RecordedRotation]:
    """Return all readable changes of the signing key, in their order."""
    return [
        RecordedRotation(position, rotation)
        for position, rotation in _signed(connection, _SIGNED, SigningKeyRotated)
        if rotation is not None
    ]


def trees_at(
    connection: Connection[TupleRow], positions: Sequence[int]
) -> list[MerkleTree]:
    """Return the trees over all heads at each position, which are in order.

    The caller has begun a transaction.
    """
    trees = HeadTrees(len(positions))
    trees.add(heads_at(connection, positions))
    return trees.trees()


def in_groups(roots: Sequence[RootSigned]) -> Iterator[Sequence[RootSigned]]:
    """Yield roots in groups for ``trees_at``, which reads all heads for each group."""
    for first in range(0, len(roots), TREES_AT_ONCE):
        yield roots[first : first + TREES_AT_ONCE]


def digests_between(
    connection: Connection[TupleRow], after: int, last: int
) -> Iterator[tuple[int, bytes]]:
    """Yield the positions and digests after ``after`` and up to ``last``, in order.

    The caller has begun a transaction.
    """
    with connection.cursor("digests", binary=True) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        yield from cursor.execute(_DIGESTS, (after, last))


def parts_with_events(
    connection: Connection[TupleRow], after: int, length: int
) -> list[int]:
    """Return the parts of ``length`` positions that have events after a position."""
    return [part for (part,) in connection.execute(_PARTS, (length, after))]


def name_of_log(connection: Connection[TupleRow]) -> str:
    """Return the name of this log among others: its database and its first digest."""
    row = connection.execute(_NAME).fetchone()
    return "empty" if row is None else row[0]


def linked_events(
    connection: Connection[TupleRow], first: int, last: int
) -> list[LinkedEvent]:
    """Return the events from ``first`` to ``last``, each with its link."""
    rows = connection.cursor(binary=True).execute(_LINKED, (first, last))
    events: list[LinkedEvent] = []
    sent = time = b""
    for position, digest, at, rest in rows:
        # The events of one append have the same time.
        if at != sent:
            sent, time = at, _time(at)
        events.append((position, digest, time + rest))
    return events


def time_before(connection: Connection[TupleRow], position: int) -> bytes:
    """Return the time of the event before a position; empty if there is none."""
    row = connection.cursor(binary=True).execute(_TIME_BEFORE, (position,)).fetchone()
    return b"" if row is None else _time(row[0])


def events_at(
    connection: Connection[TupleRow], places: Iterable[Place]
) -> dict[Place, tuple[int, bytes]]:
    """Return the position and digest of the event at each place that has one."""
    places = list(places)
    streams = [place[:16].hex() for place in places]
    versions = [int.from_bytes(place[16:], "big", signed=True) for place in places]
    rows = connection.cursor(binary=True).execute(_PLACES, (streams, versions))
    return {place: (position, digest) for place, position, digest in rows}


def _signed(
    connection: Connection[TupleRow],
    query: LiteralString,
    kind: type[T],
    *,
    after: int = 0,
) -> Iterator[tuple[int, T | None]]:
    """Yield signed events with their positions; an unreadable one is None."""
    parameters = (INSTALLATION, kind.stored_name, after)
    for position, state in connection.execute(query, parameters):
        yield position, decoded(kind, state)


def decoded(kind: type[T], state: bytes) -> T | None:
    """Return a stored root, or change of the key; None if it cannot be read."""
    try:
        event = _CODEC.decode(kind.stored_name, state)
    except UnknownEventError:
        return None
    assert isinstance(event, kind)
    return event if is_sound(event) else None


def _time(sent: bytes) -> bytes:
    microseconds = int.from_bytes(sent, "big", signed=True) + _MICROSECONDS_TO_2000
    return microseconds.to_bytes(9, "big", signed=True)[-8:]
