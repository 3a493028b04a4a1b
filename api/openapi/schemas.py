"""JSON Schemas of the Structs in requests and answers, as msgspec enforces them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from api.openapi.prose import prose

Schema = dict[str, Any]

_REF = "#/components/schemas/"
_A_UUID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"
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
    _decimals_as_numbers([*found, *named.values()])
    return list(found), dict(named)


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
