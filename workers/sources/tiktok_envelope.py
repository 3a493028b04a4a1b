"""The envelope of TikTok's APIs: data, or an error with the reason."""

from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import TikTokReply
from infra.logs import masked

T = TypeVar("T")

_LONGEST_DETAIL = 300
_LONGEST_LOG_ID = 64
_CODES: dict[str, type[Blocked | Transient | SchemaChanged]] = {
    "scope_not_authorized": Blocked,
    # TikTok did not grant the app this request for any creator, and has to review it.
    "scope_permission_missed": Blocked,
    "internal_error": Transient,
    "timeout": Transient,
    "invalid_params": SchemaChanged,
    "invalid_param": SchemaChanged,
    "invalid_request": SchemaChanged,
}


class TokenRefusedError(RefusedError):
    """The access token is not valid, or not any more."""


class AnsweredError(Struct, frozen=True):
    """The reason why there is no data; ``log_id`` is the request's in TikTok's log."""

    code: str
    message: Any = None
    log_id: Any = None

    def detail(self, reply: TikTokReply) -> str:
        """Return the error in a sentence, without any secret."""
        text = f"{self.code}: {self.message}" if self.message else self.code
        log_id = str(self.log_id)[:_LONGEST_LOG_ID]
        where = f" (HTTP {reply.status}, log_id {log_id})"
        return f"{masked(text)[: _LONGEST_DETAIL - len(where)]}{where}"


class _ApiEnvelope(Struct, frozen=True):
    error: AnsweredError
    data: Raw = Raw(b"null")


def decode(body: bytes | Raw, kind: type[T]) -> T:
    """Return the JSON as ``kind``; integers are exact, of any size.

    Raises:
        RefusedError: it is not JSON, or has another shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedError(
            SchemaChanged(f"The answer cannot be read: {error}"[:_LONGEST_DETAIL])
        ) from None


def open_envelope(reply: TikTokReply, *, too_fast: float) -> Raw | AnsweredError:
    """Return the reply's data, still encoded, or the error in its place.

    ``too_fast`` is the number of seconds to wait after too many requests if the answer
    does not say it; the same holds for the functions below.

    Raises:
        RefusedError: the reply is no envelope.
    """
    try:
        envelope = decode(reply.body, _ApiEnvelope)
    except RefusedError:
        raise unreadable(reply, too_fast=too_fast) from None
    if reply.status == 200 and envelope.error.code == "ok":
        return envelope.data
    return envelope.error


def refusal_of(
    reply: TikTokReply, error: AnsweredError, *, too_fast: float
) -> RefusedError:
    """Return the meaning of an error in every API."""
    detail = error.detail(reply)
    if error.code == "access_token_invalid":
        return TokenRefusedError(Blocked(detail))
    if reply.status == 429 or "limit_exceeded" in error.code:
        return RefusedError(RateLimited(reply.retry_after or too_fast, detail))
    if kind := _CODES.get(error.code):
        return RefusedError(kind(detail))
    return _by_status(reply, detail, too_fast=too_fast)


def unreadable(reply: TikTokReply, *, too_fast: float) -> RefusedError:
    """Return the verdict of a reply that is not the API's JSON."""
    size = len(reply.body)
    detail = f"HTTP {reply.status} with {size:,} bytes that are not the API's JSON."
    if reply.status == 200 and not reply.body.strip():
        return RefusedError(Transient(detail))
    return _by_status(reply, detail, too_fast=too_fast)


def _by_status(reply: TikTokReply, detail: str, *, too_fast: float) -> RefusedError:
    """Return an error by the status alone, for error pages and unknown codes."""
    if reply.status == 401:
        return TokenRefusedError(Blocked(detail))
    if reply.status == 403:
        return RefusedError(Blocked(detail))
    if reply.status == 429:
        return RefusedError(RateLimited(reply.retry_after or too_fast, detail))
    if reply.status == 408 or reply.status >= 500:
        return RefusedError(Transient(detail))
    return RefusedError(SchemaChanged(detail))
