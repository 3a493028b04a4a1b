"""Sealed events: personal fields open with their subject's key alone."""

import json
import os
from base64 import b64encode
from collections.abc import Callable
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET

from domain import events as e
from domain.subjects import personal_fields
from infra.eventstore.codec import Codec, UnknownEventError
from infra.eventstore.sealing import Parted, fields_of, sealed, subject_in
from infra.keys.keyring import Keys
from infra.keys.seals import Seal
from infra.keys.subject_text import subject_text
from tests.infra.eventstore.test_codec import LINES
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT
from tests.kit.paths import GOLDEN_SEALED_EVENTS


class Sealed(msgspec.Struct, frozen=True):
    """An event of the log (``body``), and the same event in the clear."""

    name: str
    body: str
    clear: str


KEY, OTHER_KEY = bytes(range(32)), bytes(32)
CODEC = Codec()

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1)
LIKE_SEALED = st.sampled_from(
    ("sealed:", "sealed:AAAA", f"sealed:{'A' * 60}", '{"sealed":"x"}')
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | LIKE_SEALED,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)
CREATORS = st.builds(
    e.CreatorAdded,
    organization_id=st.just(ORGANIZATION),
    project_id=st.just(PROJECT),
    handle=TEXTS | LIKE_SEALED,
    tracking_mode=st.just("auto"),
    description=st.none() | TEXTS | LIKE_SEALED,
    readme=st.none() | TEXTS,
    metadata=st.dictionaries(TEXTS | st.just("sealed"), JSON | LIKE_SEALED),
    tags=st.lists(TEXTS | LIKE_SEALED),
)
CHANGES = st.builds(
    e.CreatorDetailsChanged,
    organization_id=st.just(ORGANIZATION),
    display_name=st.just(UNSET) | st.none() | st.text() | LIKE_SEALED,
    metadata=st.just(UNSET) | st.dictionaries(TEXTS, JSON),
    tags=st.just(UNSET) | st.lists(st.text()),
)


def keys(subject: UUID = ADA, key: bytes | None = KEY) -> Keys:
    return Keys({subject_text(subject): key})


def is_sealed(event: e.Event) -> bool:
    return CODEC.parted(event).personal != b""


def seal(event: e.Event, subject: UUID = ADA, key: bytes = KEY) -> bytes:
    return sealed(CODEC.parted(event), Seal(subject_text(subject), AESGCM(key)))


def seal_each(event: e.Event, subject: UUID = ADA) -> bytes:
    """As events were sealed before: each field by itself, and without a value."""
    text, cipher = subject_text(subject), AESGCM(KEY)
    name = CODEC.name_of(event)
    fields = json.loads(CODEC.encode(event))
    for field in fields_of(type(event), name):
        value = getattr(event, field.attribute)
        if value:
            plain = (
                value if isinstance(value, str) else json.dumps(fields[field.stored])
            )
            nonce = os.urandom(12)
            sealed = nonce + cipher.encrypt(
                nonce, plain.encode(), text + f" {name} {field.stored}".encode()
            )
            one = f"sealed:{b64encode(sealed).decode()}"
            shapes: dict[type, Any] = {str: one, dict: {"sealed": one}}
            fields[field.stored] = shapes.get(type(value), [one])
    return b'{"sealed":"' + text + b'",' + msgspec.json.encode(fields)[1:]


SHAPES = (seal, seal_each)


def shapes_of(event: e.Event) -> tuple[Callable[[e.Event], bytes], ...]:
    """The shapes an event was ever sealed in; structs never were by themselves."""
    structs = (getattr(event, "attributes", None), getattr(event, "filters", None))
    return (seal,) if any(structs) else SHAPES


def opened(event: e.Event, body: bytes, *of: UUID) -> e.Event:
    of = of or (ADA,)
    ring = Keys({subject_text(subject): KEY for subject in of})
    return CODEC.decode(CODEC.name_of(event), body, ring)


@given(CREATORS | CHANGES, st.uuids(), st.sampled_from(SHAPES))
def test_what_is_sealed_opens_to_the_same(
    event: e.Event, subject: UUID, shape: Callable[[e.Event, UUID], bytes]
) -> None:
    assume(is_sealed(event))

    body = shape(event, subject)

    assert subject_in(body) == subject_text(subject)
    assert opened(event, body, subject) == event
    assert CODEC.encode(opened(event, body, subject)) == CODEC.encode(event)


@given(CREATORS | CHANGES)
def test_what_is_stored_in_the_clear_is_read_as_it_is(event: e.Event) -> None:
    """However much a text of it looks like a sealed one."""
    body = CODEC.encode(event)

    assert subject_in(body) is None
    assert opened(event, body) == event


@given(st.text("xyz", min_size=12, max_size=30))
def test_a_sealed_body_shows_nothing_of_a_text(text: str) -> None:
    event = e.CreatorAdded(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        handle=text,
        tracking_mode="auto",
        description=text,
        readme=text,
        metadata={text: [text]},
        tags=[text],
    )

    body = seal(event)

    assert text.encode() not in body
    assert body != seal(event)  # a nonce is never used twice
    shape = json.loads(body)
    assert [shape["handle"], shape["description"]] == ["sealed:", "sealed:"]
    assert [shape["tags"], shape["metadata"]] == [["sealed:"], {"sealed": "sealed:"}]
    assert shape["project_id"] == str(PROJECT)


def test_an_event_with_nothing_personal_is_stored_in_the_clear() -> None:
    event = e.CreatorDetailsChanged(
        organization_id=ORGANIZATION, display_name=None, description="", metadata={}
    )

    for each in (event, e.CreatorRemoved(organization_id=ORGANIZATION)):
        assert CODEC.parted(each) == Parted(CODEC.name_of(each), CODEC.encode(each))


RENAMED = e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="eve")


def _swapped(body: bytes) -> bytes:
    fields = json.loads(body)
    fields["old"], fields["new"] = fields["new"], fields["old"]
    return msgspec.json.encode(fields)


def _of(body: bytes, subject: UUID) -> bytes:
    return body.replace(subject_text(ADA), subject_text(subject))


def _bit_changed(body: bytes, start: bytes) -> bytes:
    at = body.index(start) + len(start) + 12
    return body[:at] + (b"A" if body[at:][:1] != b"A" else b"B") + body[at + 1 :]


IN_OLD = b'"old":"sealed:'


@pytest.mark.parametrize(
    "body",
    (
        _of(seal(RENAMED), BERTA),
        _bit_changed(seal(RENAMED), subject_text(ADA) + b":"),
        seal(RENAMED, key=OTHER_KEY),
        seal(RENAMED).replace(subject_text(ADA) + b":", subject_text(ADA) + b":="),
        seal(RENAMED).replace(subject_text(ADA) + b":", subject_text(ADA) + b":AA"),
        _swapped(seal_each(RENAMED)),
        _of(seal_each(RENAMED), BERTA),
        _bit_changed(seal_each(RENAMED), IN_OLD),
        seal_each(RENAMED).replace(IN_OLD, IN_OLD + b"="),
    ),
    ids=(
        *("another subject", "a bit", "another key", "no base64", "too long"),
        *("each: another field", "each: another subject", "each: a bit"),
        "each: no base64",
    ),
)
def test_a_value_that_was_moved_or_changed_is_not_read(body: bytes) -> None:
    with pytest.raises(UnknownEventError, match=r"sealed (value|field old) is damaged"):
        opened(RENAMED, body, ADA, BERTA)


def test_a_value_of_another_event_is_not_read() -> None:
    banned = e.HandleBanned(handle="ada")
    unbanned = e.HandleUnbanned(handle="ada")

    with pytest.raises(UnknownEventError, match="damaged"):
        opened(unbanned, seal(banned))


def test_every_golden_event_opens_to_what_it_was(subtests: pytest.Subtests) -> None:
    for number, line in enumerate(LINES, 1):
        event = CODEC.decode(line.name, line.body.encode())
        if is_sealed(event):
            with subtests.test(line.name, line=number):
                for shape in shapes_of(event):
                    assert opened(event, shape(event)) == event


def test_without_its_key_a_golden_event_still_says_all_that_is_of_nobody(
    subtests: pytest.Subtests,
) -> None:
    for number, line in enumerate(LINES, 1):
        event = CODEC.decode(line.name, line.body.encode())
        if is_sealed(event):
            with subtests.test(line.name, line=number):
                assert_says_what_is_of_nobody(event, line.name)


def assert_says_what_is_of_nobody(event: e.Event, name: str) -> None:
    bodies = [shape(event) for shape in shapes_of(event)]
    personal = personal_fields(type(event))

    for body, ring in product(bodies, (Keys({}), keys(key=None), None)):
        erased = CODEC.decode(name, body, ring)

        for field in event.__struct_fields__:
            before, after = getattr(event, field), getattr(erased, field)
            if field in personal and before:
                assert after in (None, "erased", {}, [], ())
                assert after is None or type(after) is type(before)
            else:
                assert after == before
        # It is as valid as any other.
        again = CODEC.decode(name, CODEC.encode(erased))
        assert again == erased


SEALED_LINES = [
    msgspec.json.decode(line, type=Sealed)
    for line in GOLDEN_SEALED_EVENTS.read_bytes().splitlines()
]


def test_what_was_ever_stored_sealed_still_means_the_same(
    subtests: pytest.Subtests,
) -> None:
    """As golden as the lines of the other file, in each shape that there was."""
    for number, line in enumerate(SEALED_LINES, 1):
        with subtests.test(line.name, line=number):
            assert CODEC.decode(line.name, line.body.encode(), keys()) == CODEC.decode(
                line.name, line.clear.encode()
            )


def test_a_newer_shape_is_sealed_with_its_version() -> None:
    class Weighed(e.Event, frozen=True, kw_only=True):
        stored_name = "goat_weighed"
        schema_version = 2
        goat: e.Personal[str]
        grams: int

    codec = Codec({"goat_weighed": Weighed}, {})
    event = Weighed(goat="Heidi", grams=52_000)

    body = sealed(codec.parted(event), Seal(subject_text(ADA), AESGCM(KEY)))

    assert json.loads(body)["schema_version"] == 2
    assert codec.decode("goat_weighed", body, keys()) == event
