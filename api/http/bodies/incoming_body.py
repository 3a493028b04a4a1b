"""The body of a request, which must arrive in time and is always read to its end.

A body has ten seconds, and a second more for every 20 kB of it that has arrived. A body
that no handler needs is read as well, while the answer is sent: if a server closes a
connection with unread bytes, the client's system discards the answer.
"""

import asyncio
from typing import Self

from litestar.types import HTTPReceiveMessage, HTTPScope, Receive

from api.http.access.connections import ANSWERING
from api.http.errors import ApiError, Code

BODY_SECONDS = 10.0
BYTES_PER_SECOND = 20_000

_DRAIN_SECONDS = 30.0
_SILENCE_SECONDS = 2.0


class IncomingBody:
    """Receives one body for the application, in place of the server's own function."""

    def __init__(self, scope: HTTPScope, receive: Receive, *, is_awaited: bool) -> None:
        # A client that sent Expect waits for permission, and sends nothing until then.
        self._is_awaited = is_awaited
        self._client = scope["client"]
        self._receive = receive
        self._is_complete = False
        self._is_late = False
        self._due_at: float | None = None

    @classmethod
    def of(
        cls, scope: HTTPScope, receive: Receive, headers: dict[bytes, bytes]
    ) -> Self | None:
        """Return the body of a request, None if the request announces none."""
        length = headers.get(b"content-length", b"0")
        if length == b"0" and b"transfer-encoding" not in headers:
            return None
        return cls(scope, receive, is_awaited=b"expect" not in headers)

    @property
    def is_left(self) -> bool:
        """Return whether a part of the body has not arrived."""
        return self._is_awaited and not self._is_complete and not self._is_late

    async def receive(self) -> HTTPReceiveMessage:
        """Return the next message of the server.

        Raises:
            ApiError: ``request_timeout``, if the body takes too long.
        """
        if self._is_complete:
            return await self._next()
        self._is_awaited = True
        if self._due_at is None:
            self._due_at = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._due_at):
                message = await self._next()
        except TimeoutError:
            self._is_late = True
            # Messages after this one do not belong to the request.
            headers = {"Connection": "close"}
            raise ApiError(Code.REQUEST_TIMEOUT, headers=headers) from None
        if message["type"] == "http.request":
            self._due_at += len(message["body"]) / BYTES_PER_SECOND
        if self._is_complete:
            ANSWERING.begin(self._client)
        return message

    async def drain(self) -> None:
        """Read and discard the rest of the body, as long as it arrives."""
        ANSWERING.end(self._client)
        now = asyncio.get_running_loop().time
        ends_at = now() + _DRAIN_SECONDS
        try:
            while self.is_left:
                async with asyncio.timeout_at(min(now() + _SILENCE_SECONDS, ends_at)):
                    await self._next()
        except TimeoutError:
            self._is_late = True

    async def _next(self) -> HTTPReceiveMessage:
        message: HTTPReceiveMessage = await self._receive()  # type: ignore[assignment]
        is_part = message["type"] == "http.request"
        self._is_complete = not (is_part and message.get("more_body", False))
        return message
