"""Events as stored: permanent name and JSON, with upcasts for older shapes."""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from domain.events import STORED_NAMES, Event

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

# Maps a stored name and schema version to the function that makes the next version.
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
    schema versions forward, one version at a time.
    """

    def __init__(
        self,
        names: Mapping[str, type[Event]] = STORED_NAMES,
        upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    ) -> None:
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

        The decoders get bodies of schema version 1 only. The newer shapes are decoded
        as usual.
        """
        codec = copy(self)
        codec._decoders = {**self._decoders, **decoders}  # noqa: SLF001
        return codec

    def names_except(self, read: Collection[str]) -> list[str]:
        """Return all known names but those in ``read``.

        A name that is in neither set comes from a newer release, and nobody can say
        which creator it concerns.
        """
        return sorted(self._classes.keys() - read)

    def name_of(self, event: Event) -> str:
        """Return the permanent name under which ``event`` is stored."""
        return self._names[type(event)]

    def encode(self, event: Event) -> bytes:
        """Return the stored body; it has its schema version if that is not 1."""
        body = self._encode(event)
        if (version := type(event).schema_version) == 1:
            return body
        mark = _MARK + str(version).encode()
        return mark + (b"," if body != b"{}" else b"") + body[1:]

    def decode(self, name: str, body: bytes) -> Event:
        """Return the event stored as ``body`` under ``name``.

        Raises:
            UnknownEventError: no such name, or the body does not fit it.
        """
        if name not in self._decoders:
            raise UnknownEventError(name, "no code knows that name.")
        try:
            if name in self._aged or body.startswith(_MARK):
                return self._bring_forward(name, body)
            return self._decoders[name](body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnknownEventError(name, str(error)) from error

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
    """An event to be appended, with its stream and version."""

    originator_id: UUID
    originator_version: int
    event: Event


class EventMapper(Mapper[UUID]):
    """The eventsourcing library's mapper, between NewEvent and stored names."""

    def __init__(self, transcoder: Transcoder, codec: Codec) -> None:
        super().__init__(transcoder)
        self._codec = codec

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return the stored form of a NewEvent.

        Raises:
            TypeError: it is something else, such as an event of the library's own.
        """
        if not isinstance(domain_event, NewEvent):
            raise TypeError(f"Not an event of Goatherd's: {domain_event!r}")
        return StoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            self._codec.name_of(domain_event.event),
            self._codec.encode(domain_event.event),
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
