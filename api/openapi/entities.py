"""/api/v1/schema: every kind of entity and the meaning of its fields, for programs."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from api.http.responses import Answer
from api.openapi.schemas import Schema, schemas_of
from api.operations import plain


class SchemaDocument(Struct, frozen=True):
    """Every entity by name."""

    entities: dict[str, Any]


def describe(entities: Mapping[str, type[Struct]]) -> dict[str, Any]:
    """Return ``{description, fields}`` of each entity, made from its Struct."""
    _, named = schemas_of(list(entities.values()))
    described: dict[str, Any] = {}
    for name, entity in entities.items():
        schema = named[entity.__name__]
        described[name] = {
            "description": plain(schema.get("description", "")),
            "fields": {
                field: _field(properties)
                for field, properties in schema["properties"].items()
            },
        }
    return described


def entities_route(entities: Mapping[str, type[Struct]]) -> HTTPRouteHandler:
    # Reading the types takes a tenth of the time that the application starts in.
    described = cache(lambda: SchemaDocument(describe(entities)))

    @get("/schema", opt={"scope": None}, operation_id="getSchema", tags=["Schema"])
    async def get_schema() -> Answer[SchemaDocument]:
        """Describe the entities: their fields, types and meanings."""
        return Answer(described())

    return get_schema


def _field(schema: Schema) -> dict[str, Any]:
    forms: list[Schema] = schema.get("anyOf", [schema])
    present = [form for form in forms if form.get("type") != "null"]
    described = {**present[0], **{k: v for k, v in schema.items() if k != "anyOf"}}
    described.pop("default", None)
    if len(present) > 1:
        described["anyOf"] = present
    if "$ref" in described:
        described["type"] = "object"
        described["entity"] = described.pop("$ref").rpartition("/")[2]
    if "description" in described:
        described["description"] = plain(described["description"])
    described["nullable"] = len(present) < len(forms)
    return described
