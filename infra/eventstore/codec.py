"""Stored events: permanent names and JSON, upcasts of older shapes, and batches."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder
from psycopg import Connection

from domain.events import STORED_NAMES, Event
from domain.subjects import subject_of
from infra.eventstore.append import Batch
from infra.eventstore.sealing import (
    Parted,
    SealedValueError,
    Sealer,
    has_value,
    sealed,
    subject_in,
    unopened,
)
from infra.keys.keyring import Keyring, Keys
from infra.keys.seals import SealingKeys

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

# The function that makes the next version of a body, by stored name and version.
UPCASTS: dict[tuple[str, int], Upcast] = {}

_VERSION_KEY = "schema_version"
_MARK = f'{{"{_VERSION_KEY}":'.encode()


class UnknownEventError(Exception):
    """The log holds an event that this release does not know or cannot read.

    ``name`` is its stored name.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Cannot read a stored {name!r}: {reason}")
        self.name = name


class Codec:
    """Encodes events to bytes and back, by their permanent names.

    ``names`` maps each stored name to its class; ``upcasts`` brings bodies of older
    schema versions forward, one version at a time. Sealed events are opened with the
    keys of ``keyring``; without one they read as if all subjects were erased.
    """

    def __init__(
        self,
        names: Mapping[str, type[Event]] = STORED_NAMES,
        upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
        keyring: Keyring | None = None,
    ) -> None:
        self.keyring = keyring
        self._sealer = Sealer(names, self.encode)
        self._encode = msgspec.json.Encoder().encode
        self._names = {cls: name for name, cls in names.items()}
        self._classes = dict(names)
        self._upcasts = dict(upcasts)
        self._aged = {name for name, cls in names.items() if cls.schema_version > 1}
        self._decoders: dict[str, Callable[[bytes], Event]] = {
            name: msgspec.json.Decoder(cls).decode for name, cls in names.items()
        }
        self._decode_raw = msgspec.json.Decoder(dict[str, Any]).decode

    def with_decoders(
        self, decoders: Mapping[str, Callable[[bytes], Event]]
    ) -> "Codec":
        """Return a codec that decodes the events of these names with these decoders.

        The decoders get bodies of schema version 1 only. Newer shapes are decoded as
        usual.
        """
        codec = copy(self)
        codec._decoders = {**self._decoders, **decoders}  # noqa: SLF001
        return codec

    def names_except(self, read: Collection[str]) -> list[str]:
        """Return all known names that are not in ``read``.

        A name that is in neither set comes from a newer release, and it is unknown
        which creator it concerns.
        """
        return sorted(self._classes.keys() - read)

    def knows(self, name: str) -> bool:
        return name in self._decoders

    def name_of(self, event: Event) -> str:
        return self._names[type(event)]

    def encode(self, event: Event) -> bytes:
        """Return the body in the clear, with its schema version if that is not 1."""
        body = self._encode(event)
        if (version := type(event).schema_version) == 1:
            return body
        mark = _MARK + str(version).encode()
        return mark + (b"," if body != b"{}" else b"") + body[1:]

    def parted(self, event: Event) -> Parted:
        """Return the event's JSON, in a part to be sealed and the rest."""
        return self._sealer.parted(self._names[type(event)], event)

    def keys_for(
        self, bodies: Iterable[bytes], connection: Connection[Any] | None = None
    ) -> Keys:
        """Return the keys that seal these bodies, with at most one query.

        ``connection`` is as in ``Keyring.keys``.
        """
        if self.keyring is None:
            return Keys({})
        subjects = [each for each in map(subject_in, bodies) if each is not None]
        return self.keyring.keys(subjects, connection)

    def decode(self, name: str, body: bytes, keys: Keys | None = None) -> Event:
        """Return the event stored as ``body`` under ``name``, opened if it is sealed.

        ``keys`` are those of ``keys_for``; without them the key may take a query.

        Raises:
            UnknownEventError: the name is unknown, or the body does not fit it.
        """
        if name not in self._decoders:
            raise UnknownEventError(name, "no code knows that name.")
        subject = subject_in(body)
        try:
            if subject is None:
                return self._decode(name, body)
            if keys is None:
                keys = self.keys_for([body])
            cipher = keys.cipher(subject)
            if cipher is not None and has_value(body):
                opened = self._sealer.opened(name, body, subject=subject, cipher=cipher)
                return self._decode(name, opened)
            event = self._decode(name, unopened(body))
            self._sealer.open(name, event, subject=subject, cipher=cipher)
        except (
            msgspec.DecodeError,
            UnicodeDecodeError,
            SealedValueError,
        ) as error:
            raise UnknownEventError(name, str(error)) from error
        return event

    def opened(self, name: str, body: bytes, keys: Keys) -> bytes:
        """Return a stored body with its sealed fields in the clear.

        A body in the clear is returned unchanged. ``keys`` are as in ``decode``.

        Raises:
            UnknownEventError: the name of a sealed body is unknown, or the body does
                not fit it.
        """
        if subject_in(body) is None:
            return body
        return self.encode(self.decode(name, body, keys))

    def _decode(self, name: str, body: bytes) -> Event:
        if name in self._aged or body.startswith(_MARK):
            return self._bring_forward(name, body)
        return self._decoders[name](body)

    def _bring_forward(self, name: str, body: bytes) -> Event:
        raw = self._decode_raw(body)
        written = raw.pop(_VERSION_KEY, 1)
        cls = self._classes[name]
        try:
            if written > cls.schema_version:
                raise UnknownEventError(
                    name, f"a newer release wrote version {written}."
                )
            for version in range(written, cls.schema_version):
                raw = self._upcasts[name, version](raw)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"version {written} cannot be brought forward ({error!r})."
            raise UnknownEventError(name, reason) from error
        return msgspec.convert(raw, cls)


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to be appended, with its stream and version.

    ``subject`` is the subject of its personal data, None if the event alone decides.
    """

    originator_id: UUID
    originator_version: int
    event: Event
    subject: UUID | None = None


class EventMapper(Mapper[UUID]):
    """The eventsourcing library's mapper, between NewEvent and stored names."""

    def __init__(self, transcoder: Transcoder, codec: Codec) -> None:
        super().__init__(transcoder)
        self._codec = codec

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return the stored form of a NewEvent.

        Raises:
            TypeError: the event is something else, such as one of the library's own.
        """
        if not isinstance(domain_event, NewEvent):
            raise TypeError(f"Not an event of Goatherd's: {domain_event!r}")
        return StoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            self._codec.name_of(domain_event.event),
            self._body(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> NewEvent:
        """Return a stored event as a NewEvent.

        Raises:
            UnknownEventError: no code knows the stored name, or the body does not fit.
        """
        assert isinstance(stored_event.originator_id, UUID)
        return NewEvent(
            stored_event.originator_id,
            stored_event.originator_version,
            self._codec.decode(stored_event.topic, stored_event.state),
        )

    def _body(self, entry: NewEvent) -> bytes:
        keyring = self._codec.keyring
        if keyring is None:
            return self._codec.encode(entry.event)
        parted = self._codec.parted(entry.event)
        if not parted.personal:
            return parted.rest
        subject = entry.subject or subject_of(
            entry.originator_id, entry.event, lambda _: ()
        )
        return sealed(parted, keyring.stored_key(subject))


def sealed_batch(
    entries: Sequence[NewEvent],
    codec: Codec,
    keyring: Keyring,
    *,
    assume_new: bool = True,
) -> tuple[Batch, SealingKeys]:
    """Return the entries as stored, and the keys that seal them.

    With ``assume_new``, a subject whose own stream begins in the batch gets a new key
    without a look for an old one; ``KeyConflictError`` then reports an old one.

    Raises:
        SubjectErasedError: a subject's key was destroyed.
    """
    events = [codec.parted(entry.event) for entry in entries]
    # Subjects are compared by their numbers, because a UUID is hashed in Python.
    subjects = [
        _subject(entries, place) if event.personal else None
        for place, event in enumerate(events)
    ]
    needed = {subject.int: subject for subject in subjects if subject is not None}
    begun = [
        entry.originator_id
        for entry in entries
        if entry.originator_version == 1 and entry.originator_id.int in needed
    ]
    sealing = keyring.for_sealing(
        list(needed.values()), begun=begun if assume_new else ()
    )
    batch = Batch(
        [entry.originator_id for entry in entries],
        [entry.originator_version for entry in entries],
        [event.name for event in events],
        [
            event.rest if subject is None else sealed(event, sealing.seals[subject.int])
            for event, subject in zip(events, subjects, strict=True)
        ],
        sealing.stored,
        [(new.subject, new.wrapped) for new in sealing.new],
    )
    return batch, sealing


def _subject(entries: Sequence[NewEvent], place: int) -> UUID:
    entry = entries[place]
    if entry.subject is not None:
        return entry.subject
    # A nested function would make its types anew for each event.
    return subject_of(
        entry.originator_id,
        entry.event,
        lambda stream: (
            each.event for each in entries[:place] if each.originator_id == stream
        ),
    )
