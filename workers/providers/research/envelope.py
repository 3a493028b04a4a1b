"""The envelope: every answer has data, or an error that says why there is none."""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from infra.logs import masked
from workers.http.tiktok_api import TikTokReply, verdict_of_status
from workers.provider import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from workers.providers.research.errors import (
    NoAnswerError,
    QuotaSpentError,
    TokenRefusedError,
)

T = TypeVar("T")

# How long to wait after too many requests, if the answer does not say.
TOO_FAST_SECONDS = 5.0

_LONGEST_DETAIL = 300
_LONGEST_LOG_ID = 64
_FOREVER = 2**31  # in seconds; no server means a longer lifetime of a token
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")

# An invalid user has the code invalid_params, and only the message says why. The same
# is true of two refusals of good requests, which succeed after some seconds.
_MESSAGES: dict[str, type[NotFound | Private | Unavailable | Transient]] = {
    "cannot find the user": NotFound,
    "is private": Private,
    "cannot be returned": Unavailable,
    "cannot return this user": Unavailable,
    "is invalid or expired": Transient,
    "invalid count or cursor": Transient,
    "something went wrong": Transient,
}
_CODES: dict[str, type[Blocked | Transient | SchemaChanged]] = {
    "scope_not_authorized": Blocked,
    "scope_permission_missed": Blocked,
    "internal_error": Transient,
    "timeout": Transient,
    "invalid_params": SchemaChanged,
    "invalid_param": SchemaChanged,
    "invalid_request": SchemaChanged,
}
# The error codes of the token's endpoint; all others mean that the client's key and
# secret are refused.
_TOKEN_ERRORS: dict[str, type[Transient | SchemaChanged]] = {
    "internal_error": Transient,
    "server_error": Transient,
    "temporarily_unavailable": Transient,
    "invalid_request": SchemaChanged,
}


class _Error(Struct, frozen=True):
    code: str
    message: Any = None
    log_id: Any = None


class _ApiEnvelope(Struct, frozen=True):
    error: _Error
    data: Raw = Raw(b"null")


class _TokenReply(Struct, frozen=True):
    """The token's endpoint answers with a flat object, in success and in failure."""

    access_token: Any = None
    expires_in: Any = None
    error: Any = None
    error_description: Any = None
    log_id: Any = None


def decode(body: bytes | Raw, kind: type[T]) -> T:
    """Return the JSON as ``kind``; integers are exact, of any size.

    Raises:
        NoAnswerError: it is not JSON, or has another shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoAnswerError(
            SchemaChanged(f"The answer cannot be read: {error}"[:_LONGEST_DETAIL])
        ) from error


def data_of(reply: TikTokReply) -> Raw:
    """Return the reply's data, still encoded.

    Raises:
        TokenRefusedError: another access token may help.
        QuotaSpentError: no request succeeds before tomorrow.
        NoAnswerError: any other answer without data.
    """
    try:
        envelope = decode(reply.body, _ApiEnvelope)
    except NoAnswerError:
        raise _unreadable(reply) from None
    if reply.status == 200 and envelope.error.code == "ok":
        return envelope.data
    raise _refusal(reply, envelope.error)


def token_of(reply: TikTokReply) -> tuple[str, float]:
    """Return the access token and for how many seconds it is valid.

    Raises:
        NoAnswerError: there is none.
    """
    try:
        flat = decode(reply.body, _TokenReply)
    except NoAnswerError:
        raise _unreadable(reply) from None
    if isinstance(flat.error, str) and flat.error:
        raise _token_refusal(reply, flat)
    if flat.error:  # the same name as in the other endpoints
        data_of(reply)
    token, seconds = flat.access_token, flat.expires_in
    if reply.status != 200:
        raise _unreadable(reply)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NoAnswerError(SchemaChanged("The token's endpoint gave no token."))
    if not isinstance(seconds, int) or not 0 < seconds < _FOREVER:
        raise NoAnswerError(SchemaChanged("The access token has no time to live."))
    return token, float(seconds)


def _refusal(reply: TikTokReply, error: _Error) -> NoAnswerError:
    detail = _detail(reply, error.code, error.message, error.log_id)
    message = str(error.message).casefold()
    if error.code == "access_token_invalid":
        return TokenRefusedError(Blocked(detail))
    if reply.status == 429 or "limit_exceeded" in error.code:
        too_fast = RateLimited(reply.retry_after or TOO_FAST_SECONDS, detail)
        daily = "daily" in error.code or "daily" in message or "quota" in message
        return QuotaSpentError(too_fast) if daily else NoAnswerError(too_fast)
    if kind := next((_MESSAGES[text] for text in _MESSAGES if text in message), None):
        return NoAnswerError(kind(detail))
    if kind := _CODES.get(error.code):
        return NoAnswerError(kind(detail))
    return _by_status(reply, detail)


def _token_refusal(reply: TikTokReply, flat: _TokenReply) -> NoAnswerError:
    detail = _detail(reply, flat.error, flat.error_description, flat.log_id)
    if reply.status == 429 or "limit_exceeded" in flat.error:
        seconds = reply.retry_after or TOO_FAST_SECONDS
        return NoAnswerError(RateLimited(seconds, detail))
    if reply.status >= 500:
        return NoAnswerError(Transient(detail))
    return NoAnswerError(_TOKEN_ERRORS.get(flat.error, Blocked)(detail))


def _unreadable(reply: TikTokReply) -> NoAnswerError:
    size = len(reply.body)
    detail = f"HTTP {reply.status} with {size:,} bytes that are not the API's JSON."
    if reply.status == 200 and not reply.body.strip():
        return NoAnswerError(Transient(detail))
    return _by_status(reply, detail)


def _by_status(reply: TikTokReply, detail: str) -> NoAnswerError:
    """Return a verdict by the status alone, for error pages and unknown codes."""
    if reply.status == 401:
        return TokenRefusedError(Blocked(detail))
    verdict = verdict_of_status(reply, detail, too_fast=TOO_FAST_SECONDS)
    return NoAnswerError(verdict)


def _detail(reply: TikTokReply, code: str, message: object, log_id: object) -> str:
    text = f"{code}: {message}" if message else code
    log_id = str(log_id)[:_LONGEST_LOG_ID]
    where = f" (HTTP {reply.status}, log_id {log_id})"
    return f"{masked(text)[: _LONGEST_DETAIL - len(where)]}{where}"
