"""The envelope of every answer: ``{"data": ..., "error": ..., "meta": ...}``.

A resource route returns an Answer, a ListPage, a PositionPage, a CountedList or a
StoredAnswer.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from litestar.response import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from api.http.etags import ETagCondition, etag
from projections.engine.basis import Basis

T = TypeVar("T")

RawHeaders = list[tuple[bytes, bytes]]

# Decimals are amounts of money, which stay exact as numbers.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_OK = 200
_NOT_MODIFIED = 304
_REVALIDATE = (b"cache-control", b"private, no-cache")


class Envelope(Struct, frozen=True):
    """The JSON of every answer.

    Data is snake_case, meta is camelCase, times are ISO 8601 in UTC.
    """

    data: Any
    error: str | None
    meta: Any


class PageMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The cursor of the next page, null on the last page, and the length of a page."""

    next_cursor: str | None
    limit: int


class PositionMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The position after which the next page begins, and the length of a page."""

    next_after: int
    limit: int


class CountedMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The number of rows before ``limit`` and ``offset`` are applied."""

    total_count: int
    limit: int
    offset: int


class UnreadMeta(PageMeta, frozen=True, kw_only=True, rename="camel"):
    """The meta of a page of news, and the number of all that are unread."""

    unread_count: int


class EncodedResponse(ASGIResponse):
    """Sends bytes and headers unchanged.

    Litestar's own class spends more time on headers than on the rest of a small answer.
    """

    def __init__(self, body: bytes, *, status: int, headers: RawHeaders) -> None:
        self.body = body
        self.status_code = status
        self._sent_headers = headers

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002 - as the class it overrides
        receive: Receive,  # noqa: ARG002
        send: Send,
    ) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self._sent_headers,
            }
        )
        await send(
            {"type": "http.response.body", "body": self.body, "more_body": False}
        )


class Answer(Response[T]):
    """The answer to a successful request.

    ``status`` replaces the status of the route. ``version`` makes the ETag, with the
    figures that the data show; a GET with this ETag in If-None-Match is answered with
    304.
    """

    sent_media_type = b"application/json"

    def __init__(
        self,
        data: T,
        *,
        status: int | None = None,
        version: int | None = None,
        meta: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, status_code=status, headers=headers)
        self.meta = meta
        self.etag = None if version is None else etag(version, data)
        if self.etag is not None:
            self.headers["ETag"] = self.etag

    def encoded_body(self) -> bytes:
        return _ENCODER.encode(Envelope(self.content, None, self.meta))

    def _stand_on(self, basis: Basis) -> None:
        """Add the basis of the numbers to the meta, or to the headers of a file."""
        if self.sent_media_type == Answer.sent_media_type:
            parts = (self.meta, basis) if self.meta is not None else (basis,)
            self.meta = {
                name: value
                for part in parts
                for name, value in msgspec.to_builtins(part).items()
            }
            return
        self.headers["Goatherd-Position"] = str(basis.position)
        self.headers["Goatherd-Rules"] = str(basis.rules)
        if basis.erased_since is not None:
            erased = basis.erased_since
            self.headers["Goatherd-Erased-Since"] = f"{erased.count}; {erased.until}"

    def to_asgi_response(
        self,
        app: object,  # noqa: ARG002 - as the class it overrides
        request: Any,  # noqa: ANN401
        *,
        headers: dict[str, str] | None = None,
        status_code: int | None = None,
        **_: Any,  # noqa: ANN401
    ) -> ASGIResponse:
        if (basis := request.context.basis) is not None:
            self._stand_on(basis)
        sent = _encoded({**(headers or {}), **self.headers})
        if self.etag is not None and request.method == "GET":
            sent.append(_REVALIDATE)
            given: ETagCondition | None = request.if_none_match
            if given is not None and given.is_current(self.etag):
                return EncodedResponse(b"", status=_NOT_MODIFIED, headers=sent)
        body = self.encoded_body()
        sent.append((b"content-type", self.sent_media_type))
        sent.append((b"content-length", b"%d" % len(body)))
        status = self.status_code or status_code or _OK
        return EncodedResponse(body, status=status, headers=sent)


class ListPage(Answer[list[T]], Generic[T]):
    """One page of a list; ``next_cursor`` is None on the last one."""

    def __init__(self, rows: list[T], *, limit: int, next_cursor: str | None) -> None:
        super().__init__(rows, meta=PageMeta(next_cursor=next_cursor, limit=limit))


class UnreadPage(ListPage[T], Generic[T]):
    """One page of news, with the number of all that are unread."""

    def __init__(
        self, rows: list[T], *, limit: int, next_cursor: str | None, unread_count: int
    ) -> None:
        super().__init__(rows, limit=limit, next_cursor=next_cursor)
        self.meta = UnreadMeta(
            next_cursor=next_cursor, limit=limit, unread_count=unread_count
        )


class PositionPage(Answer[list[T]], Generic[T]):
    """One page of the events after a position; ``next_after`` is that of the next."""

    def __init__(self, rows: list[T], *, limit: int, next_after: int) -> None:
        super().__init__(rows, meta=PositionMeta(next_after=next_after, limit=limit))


class CountedList(Answer[list[T]], Generic[T]):
    """A part of a list that is read by offset, and the length of the whole list."""

    def __init__(
        self, rows: list[T], *, total_count: int, limit: int, offset: int
    ) -> None:
        meta = CountedMeta(total_count=total_count, limit=limit, offset=offset)
        super().__init__(rows, meta=meta)


class StoredAnswer(Answer[Any]):
    """An earlier answer, repeated byte for byte."""

    def __init__(
        self, body: bytes, *, status: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(None, status=status, headers=headers)
        self._body = body

    def encoded_body(self) -> bytes:
        return self._body


def _encoded(headers: Mapping[str, str]) -> RawHeaders:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
    ]
