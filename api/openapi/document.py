"""The OpenAPI 3.1 document, made from the routes, their Structs and the error table.

Litestar's own generator describes msgspec types only roughly (no closed objects, no
lengths inside unions), so msgspec makes the schemas. Names, texts and tags are what the
routes declare to Litestar. ``python -m api.print_openapi`` prints the document.
"""

import gzip
import hashlib
from asyncio import to_thread
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.http.compression import accepts_gzip
from api.http.request import Request
from api.http.route_info import RouteError
from api.openapi import components
from api.openapi.components import reference
from api.openapi.links import Links
from api.openapi.paths import Types, describe
from api.openapi.schemas import Schema
from api.operations import Operation, operations_of

_JSON = "application/json"
_NOT_MODIFIED = 304
# A release changes it, and a client has the new one within minutes.
_CACHED = "public, max-age=300"
_VARIES = {"Vary": "Accept-Encoding"}
_DIGEST_BYTES = 12
_ABOUT = (
    "Tracks TikTok creators. Every answer is `{data, error, meta}`; lists are read "
    "page by page with `cursor`; `meta.code` names the reason of a failure."
)


class _Written(msgspec.Struct, frozen=True):
    """A document as clients get it: its bytes, the same as gzip, and the ETag."""

    plain: bytes
    compressed: bytes
    etag: str


Media = Annotated[
    Literal["json"] | None,
    QueryParameter(
        description="`json` leaves out all other media types where there is JSON."
    ),
]


def openapi_route(*, version: str) -> HTTPRouteHandler:
    """Return the route of the document, which is made for the first request."""
    made: dict[tuple[Litestar, str | None], _Written] = {}

    @get("/openapi.json", opt={"scope": None}, include_in_schema=False)
    async def get_openapi(request: Request, media: Media = None) -> Response[bytes]:
        key = request.app, media
        if key not in made:
            described = document(request.app, version=version)
            found = described if media is None else json_alone(described)
            made[key] = await to_thread(_written, found)
        written = made[key]
        headers = {"ETag": written.etag, "Cache-Control": _CACHED, **_VARIES}
        known = request.if_none_match
        if known is not None and known.is_current(written.etag):
            return Response(b"", status_code=_NOT_MODIFIED, headers=headers)
        if accepts_gzip(request.scope["headers"]):
            headers["Content-Encoding"] = "gzip"
            return Response(written.compressed, media_type=_JSON, headers=headers)
        return Response(written.plain, media_type=_JSON, headers=headers)

    return get_openapi


def _written(described: Schema) -> _Written:
    plain = msgspec.json.encode(described)
    digest = hashlib.blake2b(plain, digest_size=_DIGEST_BYTES).hexdigest()
    # The tag is weak: both forms of the bytes have it.
    return _Written(plain, gzip.compress(plain, mtime=0), f'W/"{digest}"')


def json_alone(described: Schema) -> Schema:
    """Return a document in which JSON is the only form of what JSON can say.

    Clients that are generated from it have one type for each answer. The parameter
    ``format`` is left out, since it is the choice between the forms.
    """
    paths = {
        path: {method: _in_json(each) for method, each in methods.items()}
        for path, methods in described["paths"].items()
    }
    parts = described["components"]
    schemas = {k: v for k, v in parts["schemas"].items() if k != "Problem"}
    examples = _used("examples", parts["examples"], paths)
    components = {**parts, "schemas": schemas, "examples": examples}
    return {**described, "paths": paths, "components": components}


def _in_json(operation: Schema) -> Schema:
    responses = {
        status: {**answer, "content": {_JSON: answer["content"][_JSON]}}
        if _JSON in answer.get("content", ())
        else answer
        for status, answer in operation["responses"].items()
    }
    found = {**operation, "responses": responses}
    if "parameters" in operation:
        found["parameters"] = [
            each for each in operation["parameters"] if each.get("name") != "format"
        ]
    return found


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
