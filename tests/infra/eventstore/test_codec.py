import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import JSONTranscoder, StoredEvent

from domain.events import (
    STORED_NAMES,
    AccountPinned,
    CreatorRemoved,
    Event,
    HandleBanned,
)
from infra.eventstore.codec import (
    Codec,
    EventMapper,
    NewEvent,
    UnknownEventError,
    Upcast,
)
from tests.kit.builders import ADA, ORGANIZATION
from tests.kit.paths import GOLDEN_EVENTS

T = TypeVar("T")

# One line a shape that was ever stored: lines are added, never changed or taken away.


class Golden(msgspec.Struct, frozen=True):
    """An event of the log (``name``, ``body``), and the expected fields."""

    name: str
    body: str
    event: dict[str, str]

    @property
    def schema_version(self) -> int:
        return json.loads(self.body).get("schema_version", 1)


LINES = [
    msgspec.json.decode(line, type=Golden)
    for line in GOLDEN_EVENTS.read_bytes().splitlines()
]
PRESENT = [
    line
    for line in LINES
    if line.name in STORED_NAMES
    and line.schema_version == STORED_NAMES[line.name].schema_version
]


def test_whatever_was_ever_stored_still_means_the_same(subtests: pytest.Subtests):
    names = {cls.__name__: cls for cls in _subclasses(msgspec.Struct)}
    known = {**names, "UNSET": msgspec.UNSET, "UUID": UUID, "datetime": dt}
    for number, line in enumerate(LINES, 1):
        with subtests.test(line.name, line=number):
            event = Codec().decode(line.name, line.body.encode())

            read = {name: repr(getattr(event, name)) for name in line.event}
            # A struct inside may have got fields since, each with a default.
            expected = {
                name: repr(eval(value, known))  # noqa: S307 - the file is our own
                for name, value in line.event.items()
            }
            assert read == expected


def test_an_event_is_stored_today_as_it_always_was(subtests: pytest.Subtests):
    codec = Codec()
    for number, line in enumerate(PRESENT, 1):
        with subtests.test(line.name, line=number):
            event = codec.decode(line.name, line.body.encode())

            # Events from before the platform was named are of TikTok, and say it now.
            body = line.body
            if hasattr(event, "platform") and "platform" not in json.loads(body):
                body = body.removesuffix("}") + ',"platform":"tiktok"}'
            assert codec.encode(event).decode() == body
            assert codec.name_of(event) == line.name


def test_every_field_of_every_event_has_been_stored_in_the_golden_file():
    stored: dict[type[msgspec.Struct], set[str]] = defaultdict(set)
    for line in PRESENT:
        event = Codec().decode(line.name, line.body.encode())
        for kind, fields in _fields_in(event, json.loads(line.body)):
            stored[kind] |= fields - {"schema_version"}

    assert {*STORED_NAMES.values()} <= stored.keys()
    assert stored == {kind: set(kind.__struct_encode_fields__) for kind in stored}


def test_every_event_has_a_stored_name_of_its_own_and_says_what_happened():
    ours = [cls for cls in _subclasses(Event) if cls.__module__.startswith("domain.")]

    assert {cls.stored_name: cls for cls in ours} == STORED_NAMES
    assert len(ours) == len(STORED_NAMES)
    assert [cls for cls in ours if not cls.__dict__.get("__doc__")] == []


def _subclasses(cls: type[T]) -> list[type[T]]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_subclasses(sub))]


def _fields_in(
    value: object,
    stored: Any,  # noqa: ANN401 - JSON, of whatever the value is
) -> Iterator[tuple[type[msgspec.Struct], set[str]]]:
    """Yield the stored fields of an event, and of each struct inside it."""
    match value:
        case msgspec.Struct():
            yield type(value), {*stored}
            names = zip(
                value.__struct_fields__, value.__struct_encode_fields__, strict=True
            )
            inside = [(getattr(value, ours), stored.get(its)) for ours, its in names]
        case dict():
            inside = [(each, stored[name]) for name, each in value.items()]
        case tuple() | list():
            inside = [*zip(value, stored or (), strict=bool(stored))]
        case _:
            inside = []
    for each, its in inside:
        yield from _fields_in(each, its)


class GoatWeighed(Event, frozen=True, kw_only=True):
    """In grams by now; first in kilograms, then in grams with the goat as ``name``."""

    schema_version: ClassVar[int] = 3

    goat: str
    grams: int
    by: UUID | None = None


class Fed(Event, frozen=True, kw_only=True):
    schema_version: ClassVar[int] = 2


def _to_grams(body: dict[str, Any]) -> dict[str, Any]:
    return {"name": body["name"], "grams": body["kilograms"] * 1_000}


def _to_goat(body: dict[str, Any]) -> dict[str, Any]:
    return {"goat": body["name"], "grams": body["grams"]}


UPCASTS: dict[tuple[str, int], Upcast] = {
    ("goat_weighed", 1): _to_grams,
    ("goat_weighed", 2): _to_goat,
}
HEIDI = GoatWeighed(goat="Heidi", grams=52_000)


@pytest.fixture
def codec() -> Codec:
    names: dict[str, type[Event]] = {
        "goat_weighed": GoatWeighed,
        "fed": Fed,
        "handle_banned": HandleBanned,
    }
    return Codec(names, UPCASTS)


@pytest.mark.parametrize(
    "body",
    (
        b'{"name":"Heidi","kilograms":52}',
        b'{"schema_version":1,"name":"Heidi","kilograms":52}',
        b'{"schema_version":2,"name":"Heidi","grams":52000}',
        b'{"schema_version":3,"goat":"Heidi","grams":52000}',
        b'{"goat":"Heidi","grams":52000,"schema_version":3}',
    ),
)
def test_old_shapes_are_brought_forward_one_version_at_a_time(
    codec: Codec, body: bytes
):
    assert codec.decode("goat_weighed", body) == HEIDI


def test_an_event_past_its_first_shape_is_stored_with_its_version(codec: Codec):
    weighed = GoatWeighed(goat="Heidi", grams=52_000, by=ADA)

    bodies = [codec.encode(weighed), codec.encode(Fed())]

    assert bodies == [
        f'{{"schema_version":3,"goat":"Heidi","grams":52000,"by":"{ADA}"}}'.encode(),
        b'{"schema_version":2}',
    ]
    assert codec.decode("goat_weighed", bodies[0]) == weighed
    assert codec.decode("fed", bodies[1]) == Fed()


def test_an_event_of_its_first_shape_is_stored_without_a_version(codec: Codec):
    assert codec.encode(HandleBanned(handle="ada")) == b'{"handle":"ada"}'


@pytest.mark.parametrize(
    ("name", "body"),
    (
        ("goat_sold", b"{}"),
        ("HandleBanned", b'{"handle":"ada"}'),
        ("handle_banned", b""),
        ("handle_banned", b"{"),
        ("handle_banned", b"null"),
        ("handle_banned", b"[]"),
        ("handle_banned", b"{}"),
        ("handle_banned", b'{"handle":7}'),
        ("handle_banned", b'{"handle":"\xff"}'),
        ("handle_banned", b'{"handle":"\\ud800"}'),
        ("goat_weighed", b""),
        ("goat_weighed", b"[]"),
        ("goat_weighed", b"{}"),
        ("goat_weighed", b'{"name":"Heidi","kilograms":null}'),
        ("goat_weighed", b'{"schema_version":3,"goat":"Heidi","grams":"52000"}'),
        ("goat_weighed", b'{"schema_version":"x","goat":"Heidi","grams":1}'),
        ("goat_weighed", b'{"schema_version":0,"goat":"Heidi","grams":1}'),
        ("fed", b"{}"),
    ),
)
def test_an_event_that_cannot_be_read_is_named(codec: Codec, name: str, body: bytes):
    with pytest.raises(UnknownEventError, match=f"stored '{name}'") as unknown:
        codec.decode(name, body)

    assert unknown.value.name == name


@pytest.mark.parametrize(
    ("name", "body"),
    (
        ("goat_weighed", b'{"schema_version":4,"goat":"Heidi","grams":52}'),
        ("fed", b'{"schema_version":3}'),
        ("handle_banned", b'{"schema_version":2,"handle":"ada"}'),
    ),
)
def test_a_shape_from_a_newer_release_is_not_guessed_at(
    codec: Codec, name: str, body: bytes
):
    with pytest.raises(UnknownEventError, match="newer") as unknown:
        codec.decode(name, body)

    assert unknown.value.name == name


def test_a_name_that_no_code_knows_is_said_to_be_so(codec: Codec):
    with pytest.raises(UnknownEventError, match="no code knows that name"):
        codec.decode("goat_sold", b"{}")


def test_the_mapper_stores_entries_under_permanent_names():
    mapper = EventMapper(JSONTranscoder(), Codec())
    entry = NewEvent(ADA, 4, CreatorRemoved(organization_id=ORGANIZATION))

    stored = mapper.to_stored_event(entry)

    body = f'{{"organization_id":"{ORGANIZATION}"}}'.encode()
    assert stored == StoredEvent(ADA, 4, "creator_removed", body)
    assert mapper.to_domain_event(stored) == entry


def test_every_event_with_an_id_of_a_platform_names_the_platform():
    ids = {"user_id", "sec_uid", "open_id", "tiktok_video_id", "tiktok_video_ids"}
    with_ids = {
        name: kind
        for name, kind in STORED_NAMES.items()
        if ids & {*kind.__struct_fields__}
    }

    unnamed = [
        name
        for name, kind in with_ids.items()
        if "platform" not in kind.__struct_fields__
    ]
    pinned = AccountPinned(
        organization_id=UUID(int=1), creator_id=UUID(int=2), user_id="7"
    )
    before = Codec().encode(pinned).replace(b',"platform":"tiktok"', b"")

    assert len(with_ids) >= 7
    assert unnamed == []
    assert json.loads(Codec().encode(pinned))["platform"] == "tiktok"
    assert Codec().decode("account_pinned", before) == pinned
