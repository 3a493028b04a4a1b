"""Structs from rows, and from the fields that they share with other structs."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Raw, Struct

S = TypeVar("S", bound=Struct)

JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
"""A JSON object that is passed on as it was written."""


def structs(kind: type[S], rows: Iterable[Iterable[object]]) -> list[S]:
    """Return each row as a struct; the columns are its fields, in order."""
    fields = kind.__struct_fields__
    return [kind(**dict(zip(fields, row, strict=True))) for row in rows]


def shared_fields(kind: type[Struct], source: Struct) -> dict[str, Any]:
    """Return the values in ``source`` of the fields of ``kind``, by name."""
    return {name: getattr(source, name) for name in kind.__struct_fields__}
