"""The compression of HTML, for clients that accept gzip."""

import gzip
from asyncio import to_thread
from collections.abc import Iterable

from litestar.types import (
    ASGIApp,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

# Pages of a few hundred bytes become no smaller.
_MIN_BYTES = 512
# The next level takes more time and saves a few bytes in a thousand.
_LEVEL = 6


class HtmlCompression:
    """Compresses HTML answers, except those that may not be transformed.

    The length of a compressed answer depends on how often its texts repeat. A person
    who can put a text into a page of somebody else, and sees the length of the answer,
    finds out a secret of that page by trying (the BREACH attack). Pages with a secret
    that stays the same therefore say ``Cache-Control: no-transform``, which also holds
    for the proxies on the way. The CSRF token of a page differs from answer to answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_accepted = accepts_gzip(scope["headers"])
        start: HTTPResponseStartEvent | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_html(message):
                start = message
                return
            if message["type"] == "http.response.body" and start is not None:
                body, held, start = message["body"], start, None
                headers = [*held["headers"], (b"vary", b"Accept-Encoding")]
                is_whole = not message.get("more_body", False)
                if is_accepted and is_whole and len(body) >= _MIN_BYTES:
                    body = await to_thread(gzip.compress, body, _LEVEL, mtime=0)
                    headers = [
                        *((k, v) for k, v in headers if k != b"content-length"),
                        (b"content-length", b"%d" % len(body)),
                        (b"content-encoding", b"gzip"),
                    ]
                await send({**held, "headers": headers})
                message = {**message, "body": body}
            await send(message)

        await self._app(scope, receive, send_compressed)


def accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a client with these headers reads gzip."""
    for name, value in headers:
        if name != b"accept-encoding":
            continue
        for part in value.lower().split(b","):
            coding, _, weight = part.partition(b";")
            refused = weight.replace(b" ", b"").rstrip(b"0.") == b"q="
            if coding.strip() == b"gzip" and not refused:
                return True
    return False


def _is_html(start: HTTPResponseStartEvent) -> bool:
    """Return whether an answer is HTML that may be transformed."""
    headers = dict(start["headers"])
    return (
        headers.get(b"content-type", b"").startswith(b"text/html")
        and b"content-encoding" not in headers
        and b"no-transform" not in headers.get(b"cache-control", b"")
    )
