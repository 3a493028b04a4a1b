"""Removes erased persons from events that older releases stored in the clear."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import Event
from domain.subjects import personal_fields, subject_of
from infra.eventstore.codec import Codec, UnknownEventError
from infra.eventstore.sealing import ERASED, subject_in
from projections.creator_history.unreadable import without_person

_ERASED = "SELECT subject FROM subject_keys WHERE erasure IS NOT NULL"
_HISTORY = """
SELECT topic, state FROM goatherd_events
WHERE originator_id = %s AND notification_id < %s ORDER BY originator_version
"""


class ErasedInClear:
    """The erased subjects at the time of its creation, which it removes from events."""

    def __init__(self, connection: Connection[TupleRow], codec: Codec) -> None:
        self._connection = connection
        self._codec = codec
        rows: Iterable[tuple[UUID]] = connection.execute(_ERASED).fetchall()
        self._erased = {subject for (subject,) in rows}

    def emptied(
        self, event: Event, body: bytes, *, stream: UUID, position: int
    ) -> Event:
        """Return the event, without the personal data of an erased person."""
        if (
            not self._erased
            or subject_in(body) is not None
            or not personal_fields(type(event))
            or subject_of(stream, event, self._before(position)) not in self._erased
        ):
            return event
        return without_person(event, handle=ERASED)

    def emptied_body(
        self, name: str, body: bytes, *, stream: UUID, position: int
    ) -> bytes:
        """Return the body, without the personal data of an erased person."""
        if self._erased:
            # An unreadable event stays as it is.
            with suppress(UnknownEventError):
                event = self._codec.decode(name, body)
                left = self.emptied(event, body, stream=stream, position=position)
                if left is not event:
                    return self._codec.encode(left)
        return body

    def _before(self, position: int) -> Callable[[UUID], Iterable[Event]]:
        def history_of(stream: UUID) -> Iterator[Event]:
            rows: list[tuple[Any, Any]] = self._connection.execute(
                _HISTORY, (stream, position)
            ).fetchall()
            for name, body in rows:
                yield self._codec.decode(name, body)

        return history_of
