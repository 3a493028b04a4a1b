"""The outermost layer: request id, security headers and metrics of every answer."""

from collections.abc import Sequence
from time import perf_counter

from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from api.http.access.connections import ANSWERING
from api.http.access.proxies import TrustedProxies
from api.http.bodies.incoming_body import IncomingBody
from api.http.metrics import RequestMetrics
from api.http.request import begin_request, route_of
from infra.logs import correlated

RawHeader = tuple[bytes, bytes]

API_POLICY = "default-src 'none'; frame-ancestors 'none'"

_ALWAYS: tuple[RawHeader, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# A header is added only if the handler did not set its own.
_DEFAULTS: tuple[RawHeader, ...] = (
    (b"content-security-policy", API_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)
_OVER_TLS: RawHeader = (b"strict-transport-security", b"max-age=31536000")


def security_headers(
    present: Sequence[RawHeader], *, is_tls: bool
) -> tuple[RawHeader, ...]:
    """Return the security headers that an answer with these headers lacks."""
    names = {name for name, _ in present}
    missing = tuple(header for header in _DEFAULTS if header[0] not in names)
    return (*_ALWAYS, *missing, _OVER_TLS) if is_tls else (*_ALWAYS, *missing)


# No address of ours is longer, and Litestar keeps the last thousand that were
# requested.
_MAX_PATH_LENGTH = 2_048
_NO_PATH = "/(too long)"


class RequestMiddleware:
    """Wraps the whole application, unknown paths and failures included."""

    def __init__(
        self, app: ASGIApp, metrics: RequestMetrics, proxies: TrustedProxies
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = begin_request(scope)
        if len(scope["path"]) > _MAX_PATH_LENGTH:
            scope["path"] = _NO_PATH
        body = IncomingBody.of(scope, receive, context.headers)
        # The connection may be that of a proxy; all that follows concerns the visitor.
        connection = scope["client"]
        scope["client"] = self._proxies.visitor(connection, scope["headers"])
        if body is None:
            ANSWERING.begin(connection)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                message["headers"] = [
                    *headers,
                    (b"x-request-id", context.request_id.encode("ascii")),
                    *security_headers(headers, is_tls=scope["scheme"] == "https"),
                    *context.response_headers,
                ]
            elif (
                message["type"] == "http.response.body"
                and body is not None
                and body.is_left
                and not message.get("more_body", False)
            ):
                answered, last_byte = message["body"][:-1], message["body"][-1:]
                # With the last byte the server would end the request, and close. The
                # client knows the status from the first byte.
                if last_byte:
                    await send(_part(answered, is_last=False))
                await body.drain()
                message = _part(last_byte, is_last=True)
            await send(message)

        try:
            with correlated(context.request_id):
                await self._app(
                    scope,
                    receive if body is None else body.receive,
                    send_with_headers,
                )
        finally:
            ANSWERING.end(connection)
            self._metrics.answered(
                scope["method"],
                route_of(scope),
                status,
                perf_counter() - context.started_at,
            )


def _part(body: bytes, *, is_last: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": not is_last}
