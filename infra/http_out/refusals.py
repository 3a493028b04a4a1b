"""Refusals: the reasons why an answer has no content, by HTTP's status and headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from domain.scrape.verdicts import (
    Blocked,
    Failure,
    IdentityChanged,
    NotFound,
    Private,
    SchemaChanged,
    Transient,
    Unavailable,
)

Refusal = NotFound | Private | Unavailable | IdentityChanged | Failure

DEFAULT_RETRY_AFTER = 60.0  # In seconds, if a 429 does not say.
LONGEST_RETRY_AFTER = 86_400.0

_TURNED_AWAY = frozenset({401, 403, 407, 418, 451})
_TRY_AGAIN = frozenset({408, 425})


class RefusedError(Exception):
    """There is no answer, or none with content; ``verdict`` says why.

    ``was_sent`` is false if the request certainly did not reach the other host.
    """

    def __init__(self, verdict: Refusal, *, was_sent: bool = True) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict
        self.was_sent = was_sent

    @property
    def failure(self) -> Failure | None:
        """Return the failure of the source; None if it did not fail."""
        return self.verdict if isinstance(self.verdict, Failure) else None


class SpentError(RefusedError):
    """The session has used up its time, its bytes or its requests.

    ``verdict`` is for a run without an observation.
    """

    @property
    def failure(self) -> None:
        """Return None, because the run has a limit and the source did not fail."""


def refusal_of_status(status: int, *, source: str) -> Refusal | None:
    """Return the verdict of an HTTP status, None for success.

    Status 429 is not handled here: see ``seconds_of``.
    """
    if 200 <= status < 300:
        return None
    detail = f"{source} answered HTTP {status}."
    if status in _TURNED_AWAY:
        return Blocked(detail)
    if status >= 500 or status in _TRY_AGAIN:
        return Transient(detail)
    return SchemaChanged(detail)


def seconds_of(retry_after: str | None, *, now: datetime) -> float:
    """Return the seconds of a Retry-After header: a number, or a date.

    The result is between 1 second and a day; a missing or unreadable header counts as a
    minute.
    """
    seconds = _seconds_in((retry_after or "").strip(), now)
    if seconds is None:
        return DEFAULT_RETRY_AFTER
    return min(max(seconds, 1.0), LONGEST_RETRY_AFTER)


def _seconds_in(text: str, now: datetime) -> float | None:
    if text.isascii() and text.isdigit():
        # No wait has more digits, and Python refuses many more.
        return float(text[:12])
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    # Dates in HTTP are in GMT; a date without a zone counts as GMT.
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
