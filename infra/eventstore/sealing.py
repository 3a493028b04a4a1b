"""Sealed events: what is personal in them is encrypted with the key of its subject.

The body of a sealed event begins with its subject, ``{"sealed":"<subject>",``, so that
a batch's keys are read in one query, and so that no text of an event that is stored in
the clear is ever taken for a sealed one. A sealed text is ``sealed:`` and the nonce,
the AES-256-GCM ciphertext and its tag in base64. A sealed list is a list of one such
text, and a sealed object has one, so that each field keeps its type.
"""

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import UnsetType
from msgspec.structs import force_setattr, replace

from domain.messages import Event
from domain.subjects import personal_fields
from infra.keys.subject_text import SubjectText

ERASED = "erased"

_KEY = "sealed"
_MARK = f'{{"{_KEY}":"'.encode()
# Where the subject stands in a sealed body.
SUBJECT = slice(len(_MARK), len(_MARK) + 22)
_REST = SUBJECT.stop + len('",')
_PREFIX = f"{_KEY}:"
_PREFIX_LENGTH = len(_PREFIX)
_NONCE_BYTES = 12

_to_json = msgspec.json.Encoder().encode


class SealedValueError(Exception):
    """A sealed value is damaged, or was not sealed for this subject and field."""


class PersonalField(NamedTuple):
    """A personal field of an event.

    ``decode`` reads its JSON, null for plain text. ``erased`` is what it reads as
    without the key. ``purpose`` is what its ciphertext is bound to, besides the
    subject.
    """

    attribute: str
    purpose: bytes
    decode: Callable[[bytes], Any] | None
    erased: object


def subject_in(body: bytes) -> SubjectText | None:
    """Return the subject of a stored body, None if it is in the clear."""
    return body[SUBJECT] if body.startswith(_MARK) else None


def marked(body: bytes, subject: SubjectText) -> bytes:
    """Return the body of an event with sealed fields, with its subject in front."""
    return _MARK + subject + b'",' + body[1:]


def unmarked(body: bytes) -> bytes:
    """Return a sealed body without its subject, as the event's decoder reads it."""
    return b"{" + body[_REST:]


class Sealer:
    """Seals and opens the personal fields of events, by class and stored name."""

    def __init__(self, names: Mapping[str, type[Event]]) -> None:
        self._of_name = {name: fields_of(kind, name) for name, kind in names.items()}
        self._of_kind: dict[tuple[str, type[Event]], tuple[PersonalField, ...]] = {}

    def is_sealed(self, name: str, event: Event) -> bool:
        """Tell whether the event has a personal field that is not null or empty."""
        return any(getattr(event, field.attribute) for field in self._of_name[name])

    def sealed(
        self, name: str, event: Event, *, subject: SubjectText, cipher: AESGCM
    ) -> Event:
        """Return the event with its personal fields sealed, but null and empty ones."""
        sealed: dict[str, Any] = {}
        for field in self._of_name[name]:
            value = getattr(event, field.attribute)
            if not value:
                continue
            is_text = isinstance(value, str)
            plain = value.encode() if is_text else _to_json(value)
            nonce = os.urandom(_NONCE_BYTES)
            encrypted = cipher.encrypt(nonce, plain, subject + field.purpose)
            text = _PREFIX + b2a_base64(nonce + encrypted, newline=False).decode()
            if is_text:
                sealed[field.attribute] = text
            elif isinstance(value, dict):
                sealed[field.attribute] = {_KEY: text}
            else:
                sealed[field.attribute] = (text,)
        return replace(event, **sealed)

    def open(
        self, name: str, event: Event, *, subject: SubjectText, cipher: AESGCM | None
    ) -> None:
        """Open the personal fields of a decoded event, in place.

        Without a cipher they become null, or ``erased`` or empty where null does not
        fit.

        Raises:
            SealedValueError: a value is damaged, or of another subject or field.
        """
        for field in self._fields_in(name, type(event)):
            value = getattr(event, field.attribute)
            # Most values are texts or null, and this runs for every event of a log.
            if value is None:
                continue
            text = value if value.__class__ is str else _sealed_text(value)
            if text is None or not text.startswith(_PREFIX):
                continue
            if cipher is None:
                opened = field.erased
            else:
                try:
                    sealed = a2b_base64(text[_PREFIX_LENGTH:], strict_mode=True)
                    opened = cipher.decrypt(
                        sealed[:_NONCE_BYTES],
                        sealed[_NONCE_BYTES:],
                        subject + field.purpose,
                    )
                    decode = field.decode
                    opened = opened.decode() if decode is None else decode(opened)
                except (InvalidTag, ValueError) as error:
                    msg = f"its sealed field {field.attribute} is damaged."
                    raise SealedValueError(msg) from error
            force_setattr(event, field.attribute, opened)

    def _fields_in(self, name: str, kind: type[Event]) -> tuple["PersonalField", ...]:
        """Return the personal fields that a projection's own decoder did not omit."""
        fields = self._of_kind.get((name, kind))
        if fields is None:
            there = kind.__struct_fields__
            fields = tuple(f for f in self._of_name[name] if f.attribute in there)
            self._of_kind[name, kind] = fields
        return fields


@cache
def fields_of(kind: type[Event], name: str) -> tuple[PersonalField, ...]:
    """Return the personal fields of an event that is stored under ``name``."""
    stored = dict(
        zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    )
    hints = get_type_hints(kind)
    return tuple(
        _field(attribute, f" {name} {stored[attribute]}".encode(), hints[attribute])
        for attribute in personal_fields(kind)
    )


def _field(attribute: str, purpose: bytes, hint: Any) -> PersonalField:  # noqa: ANN401
    is_union = get_origin(hint) in (Union, UnionType)
    members: set[Any] = set(get_args(hint)) if is_union else {hint}
    (stated,) = members - {NoneType, UnsetType}
    if stated is str:
        decode, empty = None, cast("object", ERASED)
    else:
        decode = msgspec.json.Decoder(stated).decode
        empty = cast("object", get_origin(stated)())
    erased = None if NoneType in members else empty
    return PersonalField(attribute, purpose, decode, erased)


def _sealed_text(value: object) -> str | None:
    """Return the text in a sealed list or object, None if it is none."""
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        value = items[0] if len(items) == 1 else None
    elif isinstance(value, dict):
        members = cast("Mapping[str, object]", value)
        value = members.get(_KEY) if len(members) == 1 else None
    return value if isinstance(value, str) else None
