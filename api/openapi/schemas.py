"""JSON Schemas of the Structs in requests and answers, as msgspec enforces them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from api.openapi.meanings import ANY, meaning_at, row_of
from api.operations import prose

Schema = dict[str, Any]

_REF = "#/components/schemas/"
_A_UUID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"
_KINDS: dict[type, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}
_BY_FORMAT = {
    "uuid": _A_UUID,
    "date": "2026-11-24",
    "date-time": "2026-11-24T14:30:00Z",
}


def schemas_of(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and the named schemas that these refer to."""
    found, named = msgspec.json.schema_components(
        types, schema_hook=_anything, ref_template=_REF + "{name}"
    )
    for schema in named.values():
        if "description" in schema:
            schema["description"] = prose(schema["description"])
    for info in structs_in(types):
        properties = named.get(info.cls.__name__, {}).get("properties", {})
        for field in info.fields:
            if _is_of_times(field.type):
                _mark_times(properties.get(field.encode_name, {}))
    give_meanings(named, types)
    _decimals_as_numbers([*found, *named.values()])
    _name_kinds([*found, *named.values()])
    return list(found), dict(named)


def give_meanings(named: Mapping[str, Schema], types: Sequence[Any]) -> None:
    """Describe the fields of schemas by the names of the Structs that they are of.

    The sentence is that of the Struct's row, else of the field's type, else of all
    fields of the name.
    """
    for info in structs_in(types):
        properties = named.get(info.cls.__name__, {}).get("properties", {})
        for name, field in properties.items():
            row = row_of(info.cls, name)
            _lift_description(field)
            if row is not None and (row[0] != ANY or "description" not in field):
                field["description"] = meaning_at(row)
            if "description" in field:
                field["description"] = prose(field["description"])


def structs_in(types: Sequence[Any]) -> Iterator[msgspec.inspect.StructType]:
    """Yield the Structs that the types are made of, however deep, each once."""
    waiting: list[object] = [*msgspec.inspect.multi_type_info(types)]
    found: set[type] = set()
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
            yield info
        waiting += _parts(info)


def _parts(info: object) -> list[object]:
    """Return the types that a type is directly made of."""
    match info:
        case msgspec.inspect.StructType():
            return [field.type for field in info.fields]
        case msgspec.inspect.Metadata():
            return [info.type]
        case msgspec.inspect.UnionType():
            return [*info.types]
        case msgspec.inspect.DictType():
            return [info.value_type]
        case msgspec.inspect.TupleType():
            return [*info.item_types]
        case msgspec.inspect.CollectionType():
            return [info.item_type]
        case _:
            return []


def _is_of_times(info: object) -> bool:
    """Return whether all texts of a type are times, Structs inside it left out."""
    waiting, kinds = [info], set[type]()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, msgspec.inspect.StructType):
            kinds.add(type(part))
            waiting += _parts(part)
    return (
        msgspec.inspect.DateTimeType in kinds and msgspec.inspect.StrType not in kinds
    )


def _mark_times(field: Schema) -> None:
    """Give times their format; msgspec omits it where it reads times without zones."""
    for schema in _all_in([field]):
        if schema.get("type") == "string" and "format" not in schema:
            schema["format"] = "date-time"


def _lift_description(field: Schema) -> None:
    """Move the description of the only type that is not null to the field itself."""
    forms: list[Schema] = field.get("anyOf", [])
    present = [form for form in forms if form != {"type": "null"}]
    if len(present) == 1 and "description" in present[0]:
        field.setdefault("description", present[0].pop("description"))


def _name_kinds(schemas: list[object]) -> None:
    """Give enumerations the type of their values, which msgspec leaves out."""
    for schema in _all_in(schemas):
        values = schema.get("enum")
        if isinstance(values, list) and "type" not in schema:
            each = cast("list[object]", values)
            kinds = list(dict.fromkeys(_KINDS[type(value)] for value in each))
            schema["type"] = kinds[0] if len(kinds) == 1 else kinds


def _decimals_as_numbers(schemas: list[object]) -> None:
    """Describe amounts of money as numbers; msgspec describes them as texts."""
    for schema in _all_in(schemas):
        if schema.get("format") == "decimal":
            del schema["format"]
            schema["type"] = "number"


def complete(named: dict[str, Schema], *, inputs: Iterable[Schema]) -> None:
    """Mark fields of schemas that are only used in answers as required.

    A field with a default may be missing from a request. It is never missing from an
    answer, unless it is unset.
    """
    sent = names_in(inputs, named)
    for name, schema in named.items():
        if name in sent or "properties" not in schema:
            continue
        given = schema.get("required", [])
        schema["required"] = [
            name
            for name, field in schema["properties"].items()
            if name in given or "default" in field
        ]
        for field in schema["properties"].values():
            field.pop("default", None)


def names_in(schemas: Iterable[Schema], named: Mapping[str, Schema]) -> set[str]:
    """Return the names that the schemas refer to, directly or through others."""
    found: set[str] = set()
    waiting: list[object] = list(schemas)
    for schema in _all_in(waiting):
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REF):
            name = reference.removeprefix(_REF)
            if name not in found:
                found.add(name)
                waiting.append(named[name])
    return found


def _all_in(waiting: list[object]) -> Iterator[Schema]:
    """Yield the waiting schemas and all inside them; more may be added meanwhile."""
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(cast("list[object]", item))
        elif isinstance(item, dict):
            inner = cast("Schema", item)
            yield inner
            waiting.extend(inner.values())


def example(schema: Schema, named: Mapping[str, Schema], *, name: str = "text") -> Any:  # noqa: ANN401 - any JSON value
    """Return a value that matches the schema: its own example if it has one."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return example(named[schema["$ref"].removeprefix(_REF)], named, name=name)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if "anyOf" in schema:
        forms = schema["anyOf"]
        # Where one thing or a list of them is answered, the one is shown.
        one = next((form for form in forms if "$ref" in form), forms[0])
        return example(one, named, name=name)
    match schema.get("type"):
        case "object":
            properties: dict[str, Schema] = schema.get("properties", {})
            return {
                key: example(inner, named, name=key)
                for key, inner in properties.items()
                # A field that is null by default is left out of the example.
                if inner.get("default", "") is not None
            }
        case "array":
            return [example(schema.get("items", {}), named, name=name)]
        case "string":
            text = _BY_FORMAT.get(schema.get("format", ""), name)
            return text[: schema.get("maxLength", len(text))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def _anything(type_: type) -> Schema:
    if type_ is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError
