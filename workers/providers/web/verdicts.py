"""The meaning of TikTok's answers: its status codes, HTTP's, and error pages."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

from workers.provider import (
    Blocked,
    IdentityChanged,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)

Refusal = (
    NotFound
    | Private
    | Unavailable
    | Blocked
    | RateLimited
    | Transient
    | SchemaChanged
    | IdentityChanged
)
Reason = Literal["missing", "private", "unavailable", "someone_elses"]


class RefusedError(Exception):
    """The answer has no content, for the reason in ``verdict``."""

    def __init__(self, verdict: Refusal) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


class NotShown(Struct, frozen=True, kw_only=True):
    """A requested video that is not shown, with TikTok's code if it sent one.

    One answer is no proof: readers that TikTok blocks also get codes for missing
    videos.
    """

    video_id: str
    reason: Reason
    code: int | None = None


DEFAULT_RETRY_AFTER = 60.0  # In seconds, if a 429 does not say.
LONGEST_RETRY_AFTER = 86_400.0

_BLOCKING = {
    10000: "a captcha",
    10102: "a login",
    10113: "a puzzle",
    10114: "a block",
    10201: "a parameter that suits it",
}
_FAILING = frozenset({10101, 10111})
_NOT_FOUND = frozenset({10202, 10221})
_PRIVATE = 10222
_UNAVAILABLE = {10223: "under age", 10225: "sensitive"}

_VIDEO_MISSING = frozenset({10204, 10202, 10221})
_VIDEO_PRIVATE = frozenset({10216, 10222})
_VIDEO_UNAVAILABLE = frozenset(
    {*range(10213, 10221), *range(10227, 10232), 10223, 10225}
)

_TURNED_AWAY = frozenset({401, 403, 407, 418, 451})
_TRY_AGAIN = frozenset({408, 425})
# A missing profile has status 200 and a code. These statuses mean nothing without a
# page, because a wrong base address sends them for every handle.
_MAYBE_A_PAGE = frozenset({404, 410})


def refusal_of_code(code: int, *, handle: str) -> Refusal | None:
    """Return the verdict of a profile page's status code, None for a good page."""
    if code == 0:
        return None
    if code in _NOT_FOUND:
        return NotFound(f"@{handle} was not found or is banned (code {code}).")
    if code == _PRIVATE:
        return Private(f"@{handle} is private (code {code}).")
    if code in _UNAVAILABLE:
        return Unavailable(f"@{handle} is {_UNAVAILABLE[code]} (code {code}).")
    return refusal_of_any_code(code)


def refusal_of_any_code(code: int) -> Refusal:
    """Return the verdict of a status code that is not about the requested account."""
    if code in _BLOCKING:
        return Blocked(f"TikTok asks for {_BLOCKING[code]} (code {code}).")
    if code in _FAILING:
        return Transient(f"TikTok failed (code {code}).")
    return SchemaChanged(f"TikTok answered a code that is not known: {code}.")


def refusal_of_list_code(code: int) -> Blocked | Transient:
    """Return the verdict of the video list's own code.

    Only the profile page says whether the account exists. A list that denies an account
    whose page was good a moment ago is a kind of refusal.
    """
    if code in _FAILING:
        return Transient(f"TikTok's list failed (code {code}).")
    return Blocked(f"TikTok refused the list (code {code}).")


def reason_of_code(code: int) -> Reason | None:
    """Return why a video is not shown, None for a code that does not say."""
    if code in _VIDEO_MISSING:
        return "missing"
    if code in _VIDEO_PRIVATE:
        return "private"
    if code in _VIDEO_UNAVAILABLE:
        return "unavailable"
    return None


def refusal_of_status(status: int) -> Refusal | None:
    """Return the verdict of an HTTP status, None if the body decides.

    Status 429 is not handled here: see ``seconds_of``.
    """
    if 200 <= status < 300 or status in _MAYBE_A_PAGE:
        return None
    if status in _TURNED_AWAY:
        return Blocked(f"TikTok answered HTTP {status}.")
    if status >= 500 or status in _TRY_AGAIN:
        return Transient(f"TikTok answered HTTP {status}.")
    return SchemaChanged(f"TikTok answered HTTP {status}.")


def seconds_of(retry_after: str | None, *, now: datetime) -> float:
    """Return how many seconds a Retry-After means: a number, or a date.

    It is from 1 second to a day; a missing or unreadable one counts as a minute.
    """
    seconds = _seconds_in((retry_after or "").strip(), now)
    if seconds is None:
        return DEFAULT_RETRY_AFTER
    return min(max(seconds, 1.0), LONGEST_RETRY_AFTER)


def _seconds_in(text: str, now: datetime) -> float | None:
    if text.isascii() and text.isdigit():
        # More digits than any wait has, and fewer than Python refuses.
        return float(text[:12])
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    # Dates in HTTP are in GMT; a date without a zone counts as GMT.
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
