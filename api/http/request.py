"""The request class of all routes, and the context of each request."""

import asyncio
import re
from functools import cached_property
from time import perf_counter
from typing import Any, TypeVar, cast
from uuid import UUID, uuid5

from litestar import Request as LitestarRequest
from litestar.datastructures import State
from litestar.types import Empty, HTTPScope, Receive
from msgspec import Struct
from uuid_utils import uuid7

from api.http.access.auth import Principal
from api.http.access.sessions import Cookies, Session
from api.http.bodies.form_body import (
    Form,
    ProvedForm,
    most_kept_bytes,
    proved_form,
)
from api.http.bodies.json_body import (
    LARGE_BODY_BYTES,
    check_content_type,
)
from api.http.errors import ApiError, Code, field_error
from api.http.etags import ETagCondition
from api.http.route_info import RouteInfo
from infra.ids import new_id
from projections.engine.basis import Basis
from projections.engine.snapshot_reader import SharedSnapshot, SnapshotReader

F = TypeVar("F", bound=Struct)

_CONTEXT = "goatherd_context"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}\Z")
_CORRELATIONS = UUID("5b6f4a3e-0c5f-5f5e-9d0c-6f2a7f1d8c11")


class RequestContext:
    """The context that all layers share about one request and its answer.

    ``response_headers`` are added to every answer. ``session``, ``form`` and
    ``elsewhere`` are used by pages only, and ``proof`` by dangerous forms;
    ``elsewhere`` are other organizations of the person that have what the address
    names. ``snapshot`` is the snapshot of the
    database of a request that only reads, ``shared`` is the one that it shares with
    other requests, if it does, and ``basis`` is the position and the rules of the
    answer's numbers, if there are any.
    """

    __slots__ = (
        "basis",
        "elsewhere",
        "form",
        "headers",
        "principal",
        "proof",
        "request_id",
        "response_headers",
        "session",
        "shared",
        "snapshot",
        "started_at",
    )

    def __init__(self, headers: dict[bytes, bytes]) -> None:
        self.headers = headers
        self.started_at = perf_counter()
        self.principal: Principal | None = None
        self.session: Session | None = None
        self.form: Form | None = None
        self.proof: ProvedForm | None = None
        self.snapshot: SnapshotReader | None = None
        self.shared: SharedSnapshot | None = None
        self.basis: Basis | None = None
        self.elsewhere: frozenset[UUID] = frozenset()
        self.response_headers: list[tuple[bytes, bytes]] = []
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.match(given):
            self.request_id = given.decode("ascii")
        else:
            self.request_id = str(uuid7())

    @property
    def correlation_id(self) -> UUID:
        """Return the request id as a UUID, to be stored with events."""
        return correlation_of(self.request_id)


def correlation_of(request_id: str) -> UUID:
    """Return the correlation id that events of a request have."""
    try:
        return UUID(request_id)
    except ValueError:
        return uuid5(_CORRELATIONS, request_id)


def begin_request(scope: HTTPScope) -> RequestContext:
    """Attach a context to a new request."""
    context = RequestContext(dict(scope["headers"]))
    scope["state"][_CONTEXT] = context
    return context


def context_of(scope: HTTPScope) -> RequestContext:
    return cast("RequestContext", scope["state"][_CONTEXT])


def route_of(scope: HTTPScope) -> str:
    """Return the path template of the route, ``(none)`` without a route."""
    # Litestar adds the key only if it has found a route.
    return cast("dict[str, Any]", scope).get("path_template", "(none)")


class Request(LitestarRequest[Any, Any, State]):
    """Litestar's request with the route's rules, the principal and the headers."""

    @property
    def context(self) -> RequestContext:
        return context_of(self.scope)

    @property
    def route_info(self) -> RouteInfo:
        return RouteInfo.of(self.route_handler)

    @property
    def request_id(self) -> str:
        return self.context.request_id

    @property
    def principal(self) -> Principal:
        """Return the authenticated key, which only operations with a scope have."""
        principal = self.context.principal
        if principal is None:
            msg = f"{self.route_handler} has no scope, so nobody was authenticated."
            raise RuntimeError(msg)
        return principal

    @property
    def organization_id(self) -> UUID:
        return self.principal.organization_id

    @cached_property
    def command_id(self) -> UUID:
        """Return the id of the command that the request is, None for other requests."""
        return new_id()

    def raw_header(self, name: bytes) -> bytes | None:
        """Return the value of a header, which is named in lower case."""
        return self.context.headers.get(name)

    @property
    def if_match(self) -> ETagCondition | None:
        """Return the If-Match header.

        Raises:
            ApiError: ``invalid_params``, if it is malformed.
        """
        value = self.raw_header(b"if-match")
        return None if value is None else ETagCondition.parse("If-Match", value)

    @property
    def if_none_match(self) -> ETagCondition | None:
        """Return the If-None-Match header.

        Raises:
            ApiError: ``invalid_params``, if it is malformed.
        """
        value = self.raw_header(b"if-none-match")
        return None if value is None else ETagCondition.parse("If-None-Match", value)

    def check_query(self) -> None:
        """Read the query by the rules of the route, and keep the result for Litestar.

        Raises:
            ApiError: ``invalid_query``, naming the parameter.
        """
        rules = self.route_info.queries
        raw = self.scope["query_string"]
        if raw or rules.required:
            self._parsed_query = rules.read(raw)

    async def body(self) -> bytes:
        """Return the whole body.

        Raises:
            ApiError: ``body_too_large``, as soon as the size is known.
        """
        if self._body is Empty:
            kept = self._connection_state.body
            if kept is Empty:
                kept = await _read_body(
                    self.receive,
                    self.raw_header(b"content-length"),
                    most_bytes=self._most_bytes,
                )
                self._connection_state.body = kept
            self._body = kept
        return self._body

    @property
    def _most_bytes(self) -> int:
        route = self.route_info
        most = route.most_bytes
        return most_kept_bytes(most) if route.needs_proof and route.is_page else most

    @property
    def body_that_was_read(self) -> bytes:
        """Return the body if it was read already, else nothing."""
        return b"" if self._body is Empty else self._body

    async def json(self) -> Any:  # noqa: ANN401 - as the class it overrides
        """Return the body as the type that the handler declares.

        Raises:
            ApiError: 400, 413 or 415, naming the mistake in the body.
        """
        if self._json is Empty:
            reader = self.route_info.body
            if reader is None:
                msg = f"{self.route_handler} declares no body."
                raise RuntimeError(msg)
            if reader.is_optional and not await self.body():
                self._json = None
                return None
            check_content_type(self.raw_header(b"content-type"))
            body = await self.body()
            if len(body) > LARGE_BODY_BYTES:
                self._json = await asyncio.to_thread(reader.read, body)
            else:
                self._json = reader.read(body)
        return self._json

    @property
    def is_tls(self) -> bool:
        """Return whether the browser's own connection is encrypted.

        A proxy in front of the server says so in X-Forwarded-Proto. A client that
        forges the header only makes its own cookie stricter.
        """
        forwarded = self.raw_header(b"x-forwarded-proto") or b""
        # If there are several values, the first is about the browser's connection.
        is_forwarded = forwarded.partition(b",")[0].strip() == b"https"
        return self.scope["scheme"] == "https" or is_forwarded

    @property
    def sent_cookies(self) -> Cookies:
        return Cookies.of(self.raw_header(b"cookie"))

    async def read_form(self) -> Form:
        """Return the form that was sent, and keep it in the context.

        Raises:
            ApiError: 400, 413 or 415, naming the mistake in the form.
        """
        reader = self.route_info.form
        if reader is None:
            msg = f"{self.route_handler} declares no form."
            raise RuntimeError(msg)
        content_type, body = self.raw_header(b"content-type"), await self.body()
        if self.route_info.needs_proof:
            self.context.proof = proof = proved_form(content_type, body)
            if proof is not None:
                content_type, body = proof.content_type, proof.body
        if len(body) > LARGE_BODY_BYTES:
            form = await asyncio.to_thread(reader.read, content_type, body)
        else:
            form = reader.read(content_type, body)
        self.context.form = form
        return form

    def form_as(self, type_: type[F]) -> F:
        """Return the fields of the form, as the type that the route declares."""
        form = self.context.form
        if form is None or not isinstance(form.fields, type_):
            msg = f"{self.route_handler} was not sent a {type_.__name__}."
            raise RuntimeError(msg)
        return form.fields

    async def check_no_body(self) -> None:
        """Refuse a body if none is declared; an empty object counts as no body.

        Raises:
            ApiError: ``invalid_body``.
        """
        headers = self.context.headers
        length = headers.get(b"content-length", b"0")
        if length == b"0" and b"transfer-encoding" not in headers:
            return
        if (await self.body()).strip() not in {b"", b"{}", b"null"}:
            message = "must be empty: this operation takes none"
            raise field_error(Code.INVALID_BODY, "", message)


async def _read_body(
    receive: Receive, content_length: bytes | None, *, most_bytes: int
) -> bytes:
    if content_length is not None:
        if not content_length.isdigit():
            message = "must be a number of bytes"
            raise field_error(Code.INVALID_PARAMS, "/Content-Length", message)
        if int(content_length) > most_bytes:
            raise _too_large(most_bytes)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            # The client has gone.
            raise field_error(Code.INVALID_BODY, "", "broke off")
        chunk = message["body"]
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(most_bytes: int) -> ApiError:
    message = f"The body is larger than {most_bytes // 1_000_000} MB."
    return ApiError(Code.BODY_TOO_LARGE, message)
