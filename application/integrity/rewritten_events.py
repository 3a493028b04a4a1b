"""The rewriting of events for the sealing of history: new bodies and new digests."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import Event, VideoAdded, VideoDiscovered
from domain.subjects import subject_of
from infra.eventstore.append import Context, describe_context, link
from infra.eventstore.codec import UnknownEventError
from infra.eventstore.sealing import Parted, sealed, subject_in
from infra.eventstore.store import Store
from infra.keys.master_key import KEY_BYTES
from infra.keys.seals import Seal
from infra.keys.subject_text import subject_text

_OLD_DIGESTS = (
    "SELECT stream, digest FROM history_sealing_streams WHERE stream = ANY(%s)"
)
_KEEP_OLD_DIGESTS = """
INSERT INTO history_sealing_streams (stream, digest)
SELECT * FROM unnest(%s::uuid[], %s::bytea[])
ON CONFLICT (stream) DO UPDATE SET digest = excluded.digest
"""
_DIGESTS = """
SELECT originator_id, originator_version, digest FROM goatherd_events
JOIN unnest(%s::uuid[], %s::bigint[]) AS u (stream, version)
    ON originator_id = stream AND originator_version = version
"""
_HISTORY = """
SELECT topic, state FROM goatherd_events
WHERE originator_id = %s AND notification_id < %s ORDER BY originator_version
"""
_DESTROYED = """
SELECT subject FROM subject_keys WHERE subject = ANY(%s) AND wrapped IS NULL
"""
_ADD_KEYS = """
INSERT INTO subject_keys (subject, wrapped)
SELECT * FROM unnest(%s::uuid[], %s::bytea[])
"""


class BrokenHistoryError(Exception):
    """An event does not fit its stream's chain, so history is not rewritten."""


class ClearEvent(NamedTuple):
    """A row of the log, whose body may be in the clear."""

    position: int
    stream: UUID
    version: int
    name: str
    body: bytes
    recorded_at: datetime
    actor: str
    correlation_id: UUID | None
    causation_id: UUID
    digest: bytes


class SealedBodies:
    """The bodies of events; bodies in the clear get sealed."""

    def __init__(
        self, connection: Connection[TupleRow], store: Store, *, until: int
    ) -> None:
        self._connection = connection
        self._store = store
        self._until = until

    def sealed(self, events: Sequence[ClearEvent]) -> dict[int, bytes]:
        """Return the new body of each event that was in the clear, by position."""
        codec = self._store.codec
        found: list[tuple[int, UUID, Parted]] = []
        for stored in events:
            if stored.position > self._until or subject_in(stored.body) is not None:
                continue
            try:
                event = codec.decode(stored.name, stored.body)
            except UnknownEventError:
                # The event cannot be read, so its personal fields are unknown.
                continue
            parted = codec.parted(_with_pseudonym(event))
            if parted.personal:
                subject = subject_of(stored.stream, event, self._earlier(stored))
                found.append((stored.position, subject, parted))
        seals = self._seals({subject for _, subject, _ in found})
        return {
            position: sealed(parted, seals[subject.int])
            for position, subject, parted in found
        }

    def _earlier(self, stored: ClearEvent) -> Callable[[UUID], Iterable[Event]]:
        def history_of(stream: UUID) -> Iterator[Event]:
            rows = self._connection.execute(_HISTORY, (stream, stored.position))
            for name, body in rows.fetchall():
                yield self._store.codec.decode(name, body)

        return history_of

    def _seals(self, subjects: set[UUID]) -> dict[int, Seal]:
        """Return the seal of each subject; new keys are stored with this part.

        Fields about an erased person are sealed with a key that is not stored.
        """
        rows = self._connection.execute(_DESTROYED, (list(subjects),))
        erased = {subject for (subject,) in rows}
        sealing = self._store.keyring.for_sealing(list(subjects - erased))
        self._connection.cursor(binary=True).execute(
            _ADD_KEYS,
            (
                [new.subject for new in sealing.new],
                [new.wrapped for new in sealing.new],
            ),
        )
        return {
            **sealing.seals,
            **{
                subject.int: Seal(subject_text(subject), AESGCM(os.urandom(KEY_BYTES)))
                for subject in erased
            },
        }


class RewrittenChains:
    """The chains of the streams of some events, before and after the rewriting."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        events: Sequence[ClearEvent],
        bodies: Mapping[int, bytes],
    ) -> None:
        self._connection = connection
        self._events = events
        self._bodies = bodies
        streams = list({stored.stream for stored in events})
        rows = connection.cursor(binary=True).execute(_OLD_DIGESTS, (streams,))
        # The digest of each stream's newest event so far, before and after. A stream
        # without rewritten events has no digest before.
        self._before: dict[UUID, bytes] = dict(rows.fetchall())
        self._stored = self._predecessors()

    def rewritten(self) -> list[tuple[int, bytes, bytes]]:
        """Return the position, body and digest of each changed event.

        Raises:
            BrokenHistoryError: an event does not fit its stream's chain.
        """
        found: list[tuple[int, bytes, bytes]] = []
        for stored in self._events:
            body = self._bodies.get(stored.position)
            if body is None and stored.stream not in self._before:
                self._stored[stored.stream, stored.version] = stored.digest
                continue
            after = self._stored.get((stored.stream, stored.version - 1), b"")
            before = self._before.get(stored.stream, after)
            if _link(stored, before, stored.body) != stored.digest:
                raise BrokenHistoryError(
                    f"The event at position {stored.position} is not what was "
                    "recorded: see `goatherd verify`."
                )
            digest = _link(stored, after, stored.body if body is None else body)
            self._before[stored.stream] = stored.digest
            self._stored[stored.stream, stored.version] = digest
            found.append((stored.position, body or stored.body, digest))
        self._keep({stored.stream for stored in self._events} & self._before.keys())
        return found

    def _keep(self, streams: Iterable[UUID]) -> None:
        kept = list(streams)
        self._connection.cursor(binary=True).execute(
            _KEEP_OLD_DIGESTS, (kept, [self._before[stream] for stream in kept])
        )

    def _predecessors(self) -> dict[tuple[UUID, int], bytes]:
        """Return the stored digests of the events directly before those of the part."""
        own = {(stored.stream, stored.version) for stored in self._events}
        needed = [
            (stored.stream, stored.version - 1)
            for stored in self._events
            if stored.version > 1 and (stored.stream, stored.version - 1) not in own
        ]
        rows = self._connection.cursor(binary=True).execute(
            _DIGESTS,
            ([stream for stream, _ in needed], [version for _, version in needed]),
        )
        return {(stream, version): digest for stream, version, digest in rows}


def _with_pseudonym(event: Event) -> Event:
    """Return an event that still has the name of its video in snapshots.

    Snapshots of an old log have the video's id on TikTok, which is sealed here.
    """
    if isinstance(event, VideoAdded | VideoDiscovered) and event.pseudonym is None:
        return replace(event, pseudonym=event.tiktok_video_id)
    return event


def _link(stored: ClearEvent, previous: bytes, body: bytes) -> bytes:
    context = Context(
        actor=stored.actor,
        command_id=stored.causation_id,
        correlation_id=stored.correlation_id,
    )
    return link(
        previous,
        at=stored.recorded_at,
        context=describe_context(context),
        stream=stored.stream,
        version=stored.version,
        name=stored.name,
        body=body,
    )
