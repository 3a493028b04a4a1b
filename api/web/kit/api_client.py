"""The in-process API client, through which pages read and change everything.

A request is handled like a client's request, but without the network and the API key:
the request for the page has been authenticated and counted already.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from api.http.access.auth import Principal
from api.http.error_codes import Code
from api.http.errors import ApiError, FieldProblem
from api.http.request import Request
from api.in_process import BASE_PATH, RawResponse, SentBody, send_in_process
from api.web.kit.plain_names import plain_names, plain_problem
from projections.engine.snapshot_reader import SharedSnapshot

_FIRST_FAILURE = 400
_ADDRESS = ("host", "x-forwarded-proto")

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

    def __init__(self, request: Request, principal: Principal | None = None) -> None:
        self._request = request
        self._principal = principal
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
        outer = self._request.scope
        passed_on = {
            name: value.decode("latin-1")
            for name in _ADDRESS
            if (value := self._request.raw_header(name.encode())) is not None
        }
        raw = await send_in_process(
            outer["litestar_app"],
            self._principal or self._request.principal,
            method,
            _full_path(path),
            query=_encoded(query or {}),
            headers={
                "x-request-id": self._request.request_id,
                # Links in answers lead to the address at which the page was opened.
                **passed_on,
                **(headers or {}),
            },
            content=SentBody.of(body),
            outer=outer,
            shared=self._shared,
        )
        if raw.status >= _FIRST_FAILURE:
            raise _refused(raw)
        return raw


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
