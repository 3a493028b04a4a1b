"""Answers of the Research API and its token's endpoint, and the meaning of errors."""

import re
from typing import Any

from msgspec import Raw, Struct

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import TikTokReply
from workers.sources.tiktok_envelope import (
    AnsweredError,
    decode,
    open_envelope,
    refusal_of,
    unreadable,
)

# The wait after too many requests, if the answer does not say.
TOO_FAST_SECONDS = 5.0

_FOREVER = 2**31  # in seconds; no server means a longer lifetime of a token
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")

# An invalid user has the code invalid_params, and only the message has the reason. The
# same is true of two refusals of good requests, which succeed after some seconds.
_MESSAGES: dict[str, type[NotFound | Private | Unavailable | Transient]] = {
    "cannot find the user": NotFound,
    "is private": Private,
    "cannot be returned": Unavailable,
    "cannot return this user": Unavailable,
    "is invalid or expired": Transient,
    "invalid count or cursor": Transient,
    "something went wrong": Transient,
}
# The error codes of the token's endpoint; all others mean that the client's key and
# secret are refused.
_TOKEN_ERRORS: dict[str, type[Transient | SchemaChanged]] = {
    "internal_error": Transient,
    "server_error": Transient,
    "temporarily_unavailable": Transient,
    "invalid_request": SchemaChanged,
}


class QuotaSpentError(RefusedError):
    """The day's quota is used up, by TikTok's word."""


class _TokenReply(Struct, frozen=True):
    """The flat answer of the token's endpoint, in success and in failure."""

    access_token: Any = None
    expires_in: Any = None
    error: Any = None
    error_description: Any = None
    log_id: Any = None


def data_of(reply: TikTokReply) -> Raw:
    """Return the reply's data, still encoded.

    Raises:
        TokenRefusedError: another access token may help.
        QuotaSpentError: no request succeeds before tomorrow.
        RefusedError: any other answer without data.
    """
    found = open_envelope(reply, too_fast=TOO_FAST_SECONDS)
    if isinstance(found, Raw):
        return found
    raise _refusal(reply, found)


def token_of(reply: TikTokReply) -> tuple[str, float]:
    """Return the access token, and the seconds for which it is valid.

    Raises:
        RefusedError: the reply has no token.
    """
    try:
        flat = decode(reply.body, _TokenReply)
    except RefusedError:
        raise unreadable(reply, too_fast=TOO_FAST_SECONDS) from None
    if isinstance(flat.error, str) and flat.error:
        raise _token_refusal(reply, flat)
    if flat.error:  # the same name as in the other endpoints
        data_of(reply)
    token, seconds = flat.access_token, flat.expires_in
    if reply.status != 200:
        raise unreadable(reply, too_fast=TOO_FAST_SECONDS)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RefusedError(SchemaChanged("The token's endpoint gave no token."))
    if not isinstance(seconds, int) or not 0 < seconds < _FOREVER:
        raise RefusedError(SchemaChanged("The access token has no time to live."))
    return token, float(seconds)


def _refusal(reply: TikTokReply, error: AnsweredError) -> RefusedError:
    message = str(error.message).casefold()
    refused = refusal_of(reply, error, too_fast=TOO_FAST_SECONDS)
    if error.code == "access_token_invalid":
        return refused
    if isinstance(refused.verdict, RateLimited):
        daily = "daily" in error.code or "daily" in message or "quota" in message
        return QuotaSpentError(refused.verdict) if daily else refused
    if kind := next((_MESSAGES[text] for text in _MESSAGES if text in message), None):
        return RefusedError(kind(error.detail(reply)))
    return refused


def _token_refusal(reply: TikTokReply, flat: _TokenReply) -> RefusedError:
    error = AnsweredError(flat.error, flat.error_description, flat.log_id)
    detail = error.detail(reply)
    if reply.status == 429 or "limit_exceeded" in error.code:
        seconds = reply.retry_after or TOO_FAST_SECONDS
        return RefusedError(RateLimited(seconds, detail))
    if reply.status >= 500:
        return RefusedError(Transient(detail))
    return RefusedError(_TOKEN_ERRORS.get(error.code, Blocked)(detail))
