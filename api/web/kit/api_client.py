"""The in-process API client, through which pages read and change everything.

A request is handled like a client's request, but without the network and the API key:
the request for the page has been authenticated and counted already.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message
from msgspec import Struct

from api.http.access.auth import Principal
from api.http.error_codes import Code
from api.http.errors import ApiError, FieldProblem
from api.http.request import Request, begin_request, context_of
from api.web.kit.plain_names import plain_names, plain_problem
from projections.engine.snapshot_reader import SharedSnapshot

BASE_PATH = "/api/v1"

_FIRST_FAILURE = 400
_ADDRESS = (b"host", b"x-forwarded-proto")

T = TypeVar("T")
QueryValue = str | int | bool | None


class ApiResponse(Struct, Generic[T], frozen=True, kw_only=True):
    """A decoded answer of the API."""

    data: T
    meta: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]

    def next_url(self, path: str, **query: QueryValue) -> str | None:
        """Return the address of the next page of a list; None on the last one."""
        cursor = self.meta["nextCursor"]
        if cursor is None:
            return None
        return f"{path}?{urlencode(_given({**query, 'cursor': cursor}))}"


class RawResponse(Struct, frozen=True, kw_only=True):
    """An answer of the API as it was sent."""

    body: bytes
    status: int
    headers: Mapping[str, str]


class ApiRefusedError(ApiError):
    """A refusal by the API, which has logged it already."""


class _Envelope(Struct, Generic[T], frozen=True):
    data: T
    meta: dict[str, Any] | None = None


class _Failure(Struct, frozen=True):
    error: str
    meta: dict[str, Any]


class ApiClient:
    """Sends requests to the API on behalf of the user who requested the page.

    Another ``principal`` takes the user's place on pages that need nobody signed in.
    """

    def __init__(
        self, request: Request, app: ASGIApp, principal: Principal | None = None
    ) -> None:
        self._request = request
        self._principal = principal
        self._app = app
        self._shared: SharedSnapshot | None = None

    @asynccontextmanager
    async def one_moment(self) -> AsyncGenerator[None]:
        """Let all reads meanwhile share a snapshot, which runs equal queries once."""
        self._shared = shared = SharedSnapshot()
        try:
            yield
        finally:
            self._shared = None
            await shared.close()

    async def request(
        self,
        method: str,
        path: str,
        type_: type[T],
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse[T]:
        """Return the answer with its data decoded as the type.

        Raises:
            ApiRefusedError: the API refused.
        """
        raw = await self.request_raw(
            method, path, query=query, body=body, headers=headers
        )
        envelope = _decoder(type_).decode(raw.body)
        return ApiResponse(
            data=envelope.data,
            meta=envelope.meta or {},
            status=raw.status,
            headers=raw.headers,
        )

    async def request_raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        """Return the answer as it was sent; a body of bytes is a file.

        Raises:
            ApiRefusedError: the API refused.
        """
        is_file = isinstance(body, bytes)
        content = body if is_file else b""
        if body is not None and not is_file:
            content = msgspec.json.encode(body)
        given = {**(headers or {})}
        if body is not None:
            media_type = "application/octet-stream" if is_file else "application/json"
            given |= {"content-type": media_type, "content-length": str(len(content))}
        raw = await self._call(
            self._scope(method, _full_path(path), _encoded(query or {}), given),
            content,
        )
        if raw.status >= _FIRST_FAILURE:
            raise _refused(raw)
        return raw

    def _scope(
        self, method: str, path: str, query: bytes, headers: Mapping[str, str]
    ) -> HTTPScope:
        outer = self._request.scope
        request_id = self._request.request_id.encode("ascii")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": outer["asgi"],
            "http_version": outer["http_version"],
            "method": method,
            "scheme": outer["scheme"],
            "path": path,
            "raw_path": path.encode("ascii"),
            "query_string": query,
            "root_path": "",
            "headers": [
                (b"x-request-id", request_id),
                # Links in answers lead to the address at which the page was opened.
                *(
                    (name, value)
                    for name in _ADDRESS
                    if (value := self._request.raw_header(name)) is not None
                ),
                *(
                    (name.lower().encode("ascii"), value.encode("latin-1"))
                    for name, value in headers.items()
                ),
            ],
            "client": outer["client"],
            "server": outer["server"],
            "state": {},
            "app": outer["app"],
            "litestar_app": outer["litestar_app"],
            "extensions": {},
        }
        http = cast("HTTPScope", scope)
        context = begin_request(http)
        context.principal = self._principal or self._request.principal
        context.shared = self._shared
        return http

    async def _call(self, scope: HTTPScope, content: bytes) -> RawResponse:
        started: dict[str, Any] = {}
        chunks: list[bytes] = []

        async def receive() -> Any:  # noqa: ANN401 - as ASGI has it
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            elif message["type"] == "http.response.body":
                chunks.append(message["body"])

        await self._app(scope, receive, send)
        pairs = [*started["headers"], *context_of(scope).response_headers]
        return RawResponse(
            body=b"".join(chunks),
            status=started["status"],
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in pairs},
        )


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[_Envelope[Any]]:  # noqa: ANN401
    # A type that is known only at run time.
    return msgspec.json.Decoder(_Envelope[type_])  # pyright: ignore[reportInvalidTypeForm]


def _full_path(path: str) -> str:
    # Health has no version, unlike the rest of the API.
    return path if path.startswith("/health/") else f"{BASE_PATH}{path}"


def _encoded(query: Mapping[str, QueryValue]) -> bytes:
    pairs = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in _given(query).items()
    }
    return urlencode(pairs).encode("ascii")


def _given(query: Mapping[str, QueryValue]) -> dict[str, QueryValue]:
    # A form sends an empty value for a field that was left alone.
    return {name: value for name, value in query.items() if value not in {None, ""}}


def _refused(raw: RawResponse) -> ApiRefusedError:
    failure = msgspec.json.decode(raw.body, type=_Failure)
    meta = {k: v for k, v in failure.meta.items() if k not in {"code", "requestId"}}
    if "fields" in meta:
        problems = msgspec.convert(meta["fields"], list[FieldProblem])
        meta["fields"] = [plain_problem(problem) for problem in problems]
    passed_on = ("retry-after", "allow")
    return ApiRefusedError(
        Code(failure.meta["code"]),
        plain_names(failure.error),
        meta=meta,
        headers={name: raw.headers[name] for name in passed_on if name in raw.headers},
    )
