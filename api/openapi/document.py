"""The OpenAPI 3.1 document, made from the routes, their Structs and the error table.

Litestar's own generator describes msgspec types only roughly (no closed objects, no
lengths inside unions), so msgspec makes the schemas. Names, texts and tags are what the
routes declare to Litestar. ``python -m api.print_openapi`` prints the document.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from api.http.route_info import RouteError
from api.openapi import components
from api.openapi.components import reference
from api.openapi.links import Links
from api.openapi.operations import Operation, operations_of
from api.openapi.paths import Types, describe
from api.openapi.schemas import Schema

_JSON = "application/json"
_ABOUT = (
    "Tracks TikTok creators. Every answer is `{data, error, meta}`; lists are read "
    "page by page with `cursor`; `meta.code` names the reason of a failure."
)


def openapi_route(*, version: str) -> HTTPRouteHandler:
    """Return the route of the document, which is made for the first request."""
    made: dict[Litestar, bytes] = {}

    @get("/openapi.json", opt={"scope": None}, include_in_schema=False)
    async def get_openapi(request: Request[Any, Any, State]) -> Response[bytes]:
        app = request.app
        if app not in made:
            made[app] = msgspec.json.encode(document(app, version=version))
        return Response(made[app], media_type=_JSON)

    return get_openapi


def document(app: Litestar, *, version: str) -> Schema:
    """Return the document of all operations.

    Raises:
        RouteError: two operations have one id, or one has no docstring or no tag.
    """
    operations = list(operations_of(app))
    _check(operations)
    types, links = Types(operations), Links(operations)
    paths: dict[str, Schema] = {}
    for operation in operations:
        path = paths.setdefault(operation.path, {})
        path[operation.method.lower()] = describe(operation, types, links)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Goatherd",
            "version": version,
            "description": _ABOUT,
            "contact": {"name": "The operators of this installation"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(operations),
        "paths": paths,
        "components": {
            "schemas": {**types.named, **components.SCHEMAS},
            "parameters": _used("parameters", components.PARAMETERS, paths),
            "headers": _used("headers", components.HEADERS, paths),
            "links": dict(links.components(operations)),
            "examples": _used("examples", components.error_examples(), paths),
            "securitySchemes": components.SECURITY_SCHEMES,
        },
    }


def _used(
    kind: str, components: Mapping[str, Schema], paths: Mapping[str, Schema]
) -> dict[str, Schema]:
    text = msgspec.json.encode(paths)
    return {
        name: component
        for name, component in components.items()
        if msgspec.json.encode(reference(kind, name)) in text
    }


def _tags(operations: list[Operation]) -> list[Schema]:
    used = {tag for op in operations for tag in op.handler.resolve_tags()}
    return [
        {"name": name, "description": description}
        for name, description in components.TAGS.items()
        if name in used
    ]


def _check(operations: list[Operation]) -> None:
    for name, count in Counter(operation.id for operation in operations).items():
        if count > 1:
            msg = f"{count} operations have the id {name}."
            raise RouteError(msg)
    for operation in operations:
        if not operation.summary:
            msg = f"{operation.method} {operation.path} has no docstring to show."
            raise RouteError(msg)
        tags = operation.handler.resolve_tags()
        if not tags or not components.TAGS.keys() >= set(tags):
            msg = f"{operation.method} {operation.path} needs tags that TAGS has."
            raise RouteError(msg)
