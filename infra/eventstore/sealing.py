"""Sealed events: their personal data are encrypted with the key of the subject.

The body of a sealed event begins with its subject and one sealed value:
``{"sealed":"<subject>:<value>",``. A batch's keys are therefore read in one query, and
no text in an unsealed event can be mistaken for a sealed one. The value is the nonce,
the AES-256-GCM ciphertext and its tag in base64. The ciphertext holds the personal
fields as a JSON object. Each of these fields also has a placeholder of its type in the
rest of the body: ``sealed:``, a list of this text, or an object with it. Opening a body
appends the personal fields to it, because JSON's readers use the last of two fields
with the same name.

Former releases began the body with ``{"sealed":"<subject>",`` and sealed each field
alone, as ``sealed:<value>`` in the place of ``sealed:``. Goatherd reads these events
forever.
"""

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import UnsetType
from msgspec.structs import force_setattr, replace

from domain.events import STORED_NAMES
from domain.messages import Event
from domain.subjects import personal_fields
from infra.keys.seals import Seal
from infra.keys.subject_text import SubjectText, subject_id

ERASED = "erased"

_KEY = "sealed"
_MARK = f'{{"{_KEY}":"'.encode()
# The place of the subject in a sealed body.
SUBJECT = slice(len(_MARK), len(_MARK) + 22)
_VALUE = SUBJECT.stop + len(":")
_PREFIX = f"{_KEY}:"
_PREFIX_LENGTH = len(_PREFIX)
_NONCE_BYTES = 12

_to_json = msgspec.json.Encoder().encode


class SealedValueError(Exception):
    """A sealed value is damaged, or was not sealed for this subject and field."""


class Parted(msgspec.Struct, frozen=True, gc=False):
    """An event's stored name and JSON, with placeholders for the personal fields.

    ``personal`` has these fields as JSON. If it is empty, ``rest`` is the whole body.
    """

    name: str
    rest: bytes
    personal: bytes = b""


def sealed(parted: Parted, seal: Seal) -> bytes:
    """Return the stored form of a body, with its personal fields sealed."""
    nonce = os.urandom(_NONCE_BYTES)
    bound_to = _bound_to(seal.subject, parted.name)
    encrypted = seal.cipher.encrypt(nonce, parted.personal, bound_to)
    value = b2a_base64(nonce + encrypted, newline=False)
    return b"".join((_MARK, seal.subject, b":", value, b'",', parted.rest[1:]))


class PersonalField(NamedTuple):
    """A personal field of an event, ``attribute`` in Python and ``stored`` in JSON.

    ``placeholder`` stands in the body of a sealed event. ``erased`` is the value that
    is read without the key. For fields that former releases sealed alone, ``purpose``
    is bound to the ciphertext in addition to the subject, and ``decode`` reads the JSON
    of the field, None for plain text.
    """

    attribute: str
    stored: str
    placeholder: object
    erased: object
    purpose: bytes
    decode: Callable[[bytes], Any] | None


def subject_in(body: bytes) -> SubjectText | None:
    """Return the subject of a stored body, None if it is in the clear."""
    return body[SUBJECT] if body.startswith(_MARK) else None


def is_in_clear(name: str, body: bytes) -> bool:
    """Tell whether a stored body has personal data that are not sealed.

    A body that cannot be read has none: other checks find it.
    """
    if body.startswith(_MARK) or (read := _personal_reader(name)) is None:
        return False
    try:
        values = read(body)
    except msgspec.DecodeError:
        return False
    return any(msgspec.structs.astuple(values))


@cache
def _personal_reader(name: str) -> Callable[[bytes], msgspec.Struct] | None:
    """Return a decoder of an event's personal fields, None if it has none."""
    kind = STORED_NAMES.get(name)
    fields = () if kind is None else fields_of(kind, name)
    if not fields:
        return None
    members = [(field.stored, Any, None) for field in fields]
    return msgspec.json.Decoder(msgspec.defstruct(name, members)).decode


def subjects_in(bodies: Iterable[bytes]) -> list[UUID]:
    """Return the subjects of stored bodies, each once."""
    texts = set(map(subject_in, bodies))
    return [subject_id(text) for text in texts if text is not None]


def has_value(body: bytes) -> bool:
    """Tell whether a sealed body has one sealed value for all of its fields."""
    return body[SUBJECT.stop : _VALUE] == b":"


def unopened(body: bytes) -> bytes:
    """Return a sealed body without the sealed value, for the event's decoder.

    Its personal fields are still sealed.
    """
    return b"{" + body[body.find(b'"', SUBJECT.stop) + len('",') :]


class Sealer:
    """Seals and opens the personal fields of events, by class and stored name.

    ``encode`` is the codec's function for events in the clear.
    """

    def __init__(
        self, names: Mapping[str, type[Event]], encode: Callable[[Event], bytes]
    ) -> None:
        self._encode = encode
        self._of_name = {name: fields_of(kind, name) for name, kind in names.items()}
        # Tuples are fast to loop over, which happens for each appended event.
        self._to_seal = {
            name: tuple((f.attribute, f.stored, f.placeholder) for f in fields)
            for name, fields in self._of_name.items()
        }
        self._of_kind: dict[tuple[str, type[Event]], tuple[PersonalField, ...]] = {}

    def parted(self, name: str, event: Event) -> Parted:
        """Return an event's JSON, with the part to be sealed separated from the rest.

        The personal fields are sealed unless they are null or empty.
        """
        values: dict[str, object] = {}
        placeholders: dict[str, Any] = {}
        for attribute, stored, placeholder in self._to_seal[name]:
            if value := getattr(event, attribute):
                values[stored] = value
                placeholders[attribute] = placeholder
        if not values:
            return Parted(name, self._encode(event))
        rest = self._encode(replace(event, **placeholders))
        return Parted(name, rest, _to_json(values))

    def opened(
        self, name: str, body: bytes, *, subject: SubjectText, cipher: AESGCM
    ) -> bytes:
        """Return a body with a sealed value in the clear.

        Raises:
            SealedValueError: the value is damaged, or of another subject or event.
        """
        end = body.find(b'"', _VALUE)
        fields = _decrypted(body[_VALUE:end], _bound_to(subject, name), cipher, "value")
        return b"".join((b"{", body[end + len('",') : -1], b",", fields[1:]))

    def open(
        self, name: str, event: Event, *, subject: SubjectText, cipher: AESGCM | None
    ) -> None:
        """Open the fields of a decoded event that were sealed alone, in place.

        Without a cipher, sealed fields become null, or ``erased`` or empty where null
        is not allowed.

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
                opened = _decrypted(
                    text[_PREFIX_LENGTH:],
                    subject + field.purpose,
                    cipher,
                    f"field {field.attribute}",
                )
                decode = field.decode
                opened = opened.decode() if decode is None else decode(opened)
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
        _field(attribute, name, stored[attribute], hints[attribute])
        for attribute in personal_fields(kind)
    )


def _field(attribute: str, name: str, stored: str, hint: Any) -> PersonalField:  # noqa: ANN401
    is_union = get_origin(hint) in (Union, UnionType)
    members: set[Any] = set(get_args(hint)) if is_union else {hint}
    (stated,) = members - {NoneType, UnsetType}
    decode, empty, placeholder = None, cast("object", ERASED), cast("object", _PREFIX)
    if stated is not str:
        decode = msgspec.json.Decoder(stated).decode
        container = get_origin(stated)
        empty = None if container is None else cast("object", container())
        placeholder = _placeholder(stated, empty)
    return PersonalField(
        attribute,
        stored,
        placeholder,
        None if NoneType in members else empty,
        f" {name} {stored}".encode(),
        decode,
    )


def _placeholder(stated: object, empty: object) -> object:
    """Return the placeholder of a field; lists and objects have a text inside.

    A field that is a struct, or an object of structs, can't hold a text, so its
    placeholder is null or empty. No release sealed these fields alone.
    """
    if empty != {}:
        return empty if empty is None else (_PREFIX,)
    _, value = get_args(stated)
    return {_KEY: _PREFIX} if value is Any else {}


def _bound_to(subject: SubjectText, name: str) -> bytes:
    """Return the text that binds a sealed value to its subject and event."""
    return b"%b %b" % (subject, name.encode())


def _decrypted(
    encoded: bytes | str, bound_to: bytes, cipher: AESGCM, what: str
) -> bytes:
    try:
        sealed = a2b_base64(encoded, strict_mode=True)
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise SealedValueError(f"its sealed {what} is damaged.") from error


def _sealed_text(value: object) -> str | None:
    """Return the text in a sealed list or object; None if the value has none."""
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        value = items[0] if len(items) == 1 else None
    elif isinstance(value, dict):
        members = cast("Mapping[str, object]", value)
        value = members.get(_KEY) if len(members) == 1 else None
    return value if isinstance(value, str) else None
