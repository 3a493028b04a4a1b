"""Requests to the API within the process, without the network and without a key.

The sender has been authenticated already: pages send on behalf of a person, commands on
behalf of the operator of the host.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from litestar import Litestar
from litestar.types import HTTPScope, Message
from msgspec import Struct

from api.http.access.auth import Principal
from api.http.request import begin_request
from projections.engine.snapshot_reader import SharedSnapshot

BASE_PATH = "/api/v1"

# The parts that a request has from the request within which it is sent.
_INHERITED = ("asgi", "http_version", "scheme", "client", "server")
_OF_ITS_OWN: Mapping[str, Any] = {
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "scheme": "http",
    "client": None,
    "server": None,
}


class RawResponse(Struct, frozen=True, kw_only=True):
    """An answer of the API as it was sent."""

    body: bytes
    status: int
    headers: Mapping[str, str]


class SentBody(Struct, frozen=True, kw_only=True):
    """The body of a request and its media type; None without a body."""

    body: bytes
    media_type: str | None

    @classmethod
    def of(cls, body: object, *, media_type: str | None = None) -> "SentBody":
        """Return a body: None is no body, bytes are a file, all else is JSON."""
        if body is None:
            return cls(body=b"", media_type=None)
        if isinstance(body, bytes):
            return cls(body=body, media_type=media_type or "application/octet-stream")
        return cls(body=msgspec.json.encode(body), media_type="application/json")

    @property
    def headers(self) -> dict[str, str]:
        if self.media_type is None:
            return {}
        return {
            "content-type": self.media_type,
            "content-length": str(len(self.body)),
        }


async def send_in_process(
    app: Litestar,
    principal: Principal | None,
    method: str,
    path: str,
    *,
    query: bytes,
    headers: Mapping[str, str],
    content: SentBody,
    outer: HTTPScope | None = None,
    shared: SharedSnapshot | None = None,
    take: Callable[[bytes], None] | None = None,
) -> RawResponse:
    """Return the answer to a request of the principal.

    ``outer`` is the request within which it is sent, if there is one. ``take`` gets
    each part of the body as it comes, and the answer then has none; an error of its
    output ends the request as a client does that goes away.

    Raises:
        OSError: the output of ``take`` failed.
    """
    around = _OF_ITS_OWN if outer is None else cast("Mapping[str, Any]", outer)
    scope: dict[str, Any] = {
        **{name: around[name] for name in _INHERITED},
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query,
        "root_path": "",
        "headers": [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in {**headers, **content.headers}.items()
        ],
        "state": {},
        "app": app,
        "litestar_app": app,
        "extensions": {},
    }
    http = cast("HTTPScope", scope)
    context = begin_request(http)
    context.principal = principal
    context.shared = shared
    started: dict[str, Any] = {}
    chunks: list[bytes] = []
    bodies = iter([content.body])
    has_gone = asyncio.Event()
    failures: list[OSError] = []

    async def receive() -> Any:  # noqa: ANN401 - as ASGI has it
        for body in bodies:
            return {"type": "http.request", "body": body, "more_body": False}
        await has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        elif message["type"] == "http.response.body":
            try:
                (take or chunks.append)(message["body"])
            except OSError as error:
                failures.append(error)
                has_gone.set()

    await app.state.in_process_api(http, receive, send)
    if failures:
        raise failures[0]
    pairs = [*started["headers"], *context.response_headers]
    return RawResponse(
        body=b"".join(chunks),
        status=started["status"],
        headers={k.decode("latin-1"): v.decode("latin-1") for k, v in pairs},
    )
