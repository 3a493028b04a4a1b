"""The meaning of TikTok's own status codes."""

from typing import Literal

from msgspec import Struct

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Private,
    SchemaChanged,
    Transient,
    Unavailable,
)
from infra.http_out.refusals import Refusal

Reason = Literal["missing", "private", "unavailable", "someone_elses"]


class NotShown(Struct, frozen=True, kw_only=True):
    """A requested video that is not shown, with TikTok's code if it sent one.

    One answer is no proof: readers that TikTok blocks also get codes for missing
    videos.
    """

    video_id: str
    reason: Reason
    code: int | None = None


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
    """Return why a video is not shown, None for a code without a reason."""
    if code in _VIDEO_MISSING:
        return "missing"
    if code in _VIDEO_PRIVATE:
        return "private"
    if code in _VIDEO_UNAVAILABLE:
        return "unavailable"
    return None
