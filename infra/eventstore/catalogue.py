"""The catalogue of stored events: their types, fields and versions, read off the types.

Fields of structs inside an event have paths, such as ``scope.type`` and ``gaps[].to``.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import getdoc
from typing import Any

import msgspec
from msgspec import inspect

from domain.events import STORED_NAMES
from domain.messages import Event
from domain.subjects import personal_fields
from infra.eventstore.codec import UPCASTS

_NAMES: dict[type[inspect.Type], str] = {
    inspect.AnyType: "any JSON",
    inspect.BoolType: "boolean",
    inspect.DateTimeType: "time",
    inspect.DateType: "day",
    inspect.DecimalType: "decimal",
    inspect.FloatType: "number",
    inspect.IntType: "whole number",
    inspect.NoneType: "null",
    inspect.StrType: "text",
    inspect.StructType: "object",
    inspect.UUIDType: "UUID",
}


class StoredField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a stored event.

    ``path`` is its name, with the names of the fields around it. ``is_optional`` is
    true if stored events may lack it. ``is_personal`` is true if it is stored sealed,
    with the key of a person.
    """

    path: str
    type: str
    is_optional: bool
    is_personal: bool


class StoredType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of stored event under its permanent name.

    ``version`` is the version of its shape that is stored now, and ``upcasts`` are the
    older versions that are brought forward when they are read. ``aggregate`` is the
    kind of thing that its streams are about. ``summary`` says what happened.
    """

    name: str
    version: int
    aggregate: str
    summary: str
    upcasts: list[int]
    fields: list[StoredField]


def catalogue(
    names: Mapping[str, type[Event]] = STORED_NAMES,
    upcasts: Mapping[tuple[str, int], Callable[..., Any]] = UPCASTS,
) -> list[StoredType]:
    """Return all types of stored events, by name."""
    return [
        StoredType(
            name=name,
            version=kind.schema_version,
            aggregate=kind.__module__.split(".")[1],
            summary=" ".join((getdoc(kind) or "").split()).replace("``", "`"),
            upcasts=sorted(version for of, version in upcasts if of == name),
            fields=_fields(kind),
        )
        for name, kind in sorted(names.items())
    ]


@cache
def _fields(kind: type[Event]) -> list[StoredField]:
    personal = personal_fields(kind)
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return [
        StoredField(
            path=path,
            type=_named(found.type),
            is_optional=not found.required,
            is_personal=top.name in personal,
        )
        for top in info.fields
        for path, found in _flat(top)
    ]


def _flat(
    found: inspect.Field, before: str = "", within: tuple[type, ...] = ()
) -> Iterator[tuple[str, inspect.Field]]:
    """Yield a field and those of the structs in it, with their paths."""
    path = before + found.encode_name
    yield path, found
    for suffix, struct in _structs(found.type):
        # A struct that is inside itself has no end.
        if struct.cls not in within:
            for inner in struct.fields:
                yield from _flat(inner, f"{path}{suffix}.", (*within, struct.cls))


def _structs(info: inspect.Type) -> Iterator[tuple[str, inspect.StructType]]:
    """Yield the structs in a type, and what stands behind the field's name for each."""
    match info:
        case inspect.StructType():
            yield "", info
        case inspect.Metadata():
            yield from _structs(info.type)
        case inspect.UnionType():
            for each in info.types:
                yield from _structs(each)
        case inspect.DictType():
            yield from _inside("{}", info.value_type)
        case inspect.CollectionType():
            yield from _inside("[]", info.item_type)
        case inspect.TupleType():
            for each in info.item_types:
                yield from _inside("[]", each)
        case _:
            pass


def _inside(mark: str, info: inspect.Type) -> Iterator[tuple[str, inspect.StructType]]:
    for suffix, struct in _structs(info):
        yield mark + suffix, struct


def _named(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata():
            return _named(info.type)
        case inspect.UnionType():
            return " or ".join(_named(each) for each in info.types)
        case inspect.LiteralType():
            return " or ".join(f'"{value}"' for value in info.values)
        case inspect.DictType():
            return f"object of {_item(info.value_type)}"
        case inspect.TupleType():
            return f"list of {', '.join(map(_item, info.item_types))}"
        case inspect.CollectionType():
            return f"list of {_item(info.item_type)}"
        case _:
            return _NAMES[type(info)]


def _item(info: inspect.Type) -> str:
    name = _named(info)
    return f"({name})" if " or " in name else name
