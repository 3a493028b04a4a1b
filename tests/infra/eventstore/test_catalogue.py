"""The catalogue of stored events says of each type what the log has of it."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar, cast

import msgspec
import pytest

from domain.messages import Event, Personal
from infra.eventstore.catalogue import StoredField, StoredType, catalogue
from tests.infra.eventstore.test_codec import PRESENT


class Horn(msgspec.Struct, frozen=True):
    tones: tuple[int, ...]
    by: "Horn | None" = None


class GoatMilked(Event, frozen=True, kw_only=True):
    """Somebody milked a goat.

    ``litres`` may be null.
    """

    stored_name: ClassVar[str] = "goat_milked"
    schema_version: ClassVar[int] = 3
    name: Personal[str]
    litres: float | None = None
    horns: dict[str, Horn] = {}  # noqa: RUF012 - msgspec copies it


def test_a_type_is_listed_with_fields_versions_and_upcasts() -> None:
    def as_it_is(body: dict[str, Any]) -> dict[str, Any]:
        return body

    upcasts = {("goat_milked", 2): as_it_is, ("goat_milked", 1): as_it_is}

    (found,) = catalogue(
        {"goat_milked": GoatMilked}, {**upcasts, ("other", 1): as_it_is}
    )

    assert found == StoredType(
        name="goat_milked",
        version=3,
        aggregate="infra",
        summary="Somebody milked a goat. `litres` may be null.",
        upcasts=[1, 2],
        fields=[
            field("name", "text", is_personal=True),
            field("litres", "number or null", is_optional=True),
            field("horns", "object of object", is_optional=True),
            field("horns{}.tones", "list of whole number"),
            field("horns{}.by", "object or null", is_optional=True),
        ],
    )


def field(
    path: str, type_: str, *, is_optional: bool = False, is_personal: bool = False
) -> StoredField:
    return StoredField(
        path=path, type=type_, is_optional=is_optional, is_personal=is_personal
    )


def test_every_field_that_was_ever_stored_is_in_the_catalogue(
    subtests: pytest.Subtests,
) -> None:
    known = {each.name: {one.path: one for one in each.fields} for each in catalogue()}
    for line in PRESENT:
        with subtests.test(line.name):
            stored = {**json.loads(line.body)}
            stored.pop("schema_version", None)

            assert {*_paths(stored, known[line.name])} <= known[line.name].keys()
            needed = {
                path
                for path, one in known[line.name].items()
                if path.isidentifier() and not one.is_optional
            }
            assert needed <= stored.keys()


def _paths(
    value: object, known: dict[str, StoredField], before: str = ""
) -> Iterator[str]:
    """Yield the paths of all fields in a body, down to objects of any JSON."""
    for name, inner in cast("dict[str, object]", value).items():
        path = before + name
        yield path
        for mark, each in _objects(inner):
            prefix = f"{path}{mark}."
            if any(one.startswith(prefix) for one in known):
                yield from _paths(each, known, prefix)


def _objects(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        yield "", fields
        for each in fields.values():
            if isinstance(each, dict):
                yield "{}", cast("object", each)
    if isinstance(value, list):
        for each in cast("list[object]", value):
            if isinstance(each, dict):
                yield "[]", cast("object", each)
