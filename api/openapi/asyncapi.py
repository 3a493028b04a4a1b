"""The AsyncAPI document of public events, made from the same table as their page."""

from functools import cache
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.openapi.schemas import give_meanings
from domain.feed.types import TYPES, EventType, example_of, schemas_of_types, typed

Document = dict[str, Any]

_FORM = "3.0.0"
_REF = "#/components/schemas/{name}"
_INFO = """The public events of an organization, in the order of the log.

GET /api/v1/events/stream sends them as server-sent events, and GET /api/v1/events has
the same events as a list. The id stays the same wherever an event is read."""


def asyncapi_route(*, version: str) -> HTTPRouteHandler:
    """Return the route of the document, which is made for the first request."""
    made = cache(lambda: msgspec.json.encode(asyncapi_document(version)))

    @get("/asyncapi.json", opt={"scope": None}, include_in_schema=False)
    async def get_asyncapi() -> Response[bytes]:
        return Response(made(), media_type="application/json")

    return get_asyncapi


def asyncapi_document(version: str) -> Document:
    """Return the document; ``version`` is that of Goatherd."""
    names, schemas = schemas_of_types(_REF)
    give_meanings(schemas, [typed(each) for each in TYPES])
    return {
        "asyncapi": _FORM,
        "info": {
            "title": "Goatherd events",
            "version": version,
            "description": _INFO,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": "/api/v1/events/stream",
                "title": "Public events",
                "description": "All events of the organization of the key.",
                "messages": {
                    each.name: {"$ref": f"#/components/messages/{each.name}"}
                    for each in TYPES
                },
            }
        },
        "operations": {
            "sendEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Goatherd sends events in the order of the log.",
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
                "messages": [
                    {"$ref": f"#/channels/events/messages/{each.name}"}
                    for each in TYPES
                ],
            }
        },
        "components": {
            "messages": {each.name: _message(each, names) for each in TYPES},
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key with the scope read.",
                }
            },
        },
    }


def _message(type_: EventType, names: dict[str, str]) -> Document:
    example = example_of(type_)
    return {
        "name": type_.name,
        "title": type_.name,
        "summary": type_.summary,
        "contentType": "application/json",
        "payload": {"$ref": _REF.format(name=names[type_.name])},
        "examples": [{"name": "example", "payload": msgspec.to_builtins(example)}],
        "x-version": type_.version,
        "x-text-fields": list(type_.text_fields),
        "x-filters": list(type_.filters),
        "x-in-wildcard": type_.in_wildcard,
    }
