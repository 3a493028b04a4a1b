"""Instants that texts name: times with their zone, and days of an organization."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.http.query import invalid_query
from domain.analytics.buckets import midnight

NO_INSTANT = "must be a day such as 2026-11-24, or an ISO 8601 time with its zone"
NO_PLACE = (
    "must be a position of the log, a day such as 2026-11-24, or an ISO 8601 time with "
    "its zone"
)

# This time is earlier than any log, and late enough to subtract a time span from.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_MOST_DIGITS = 18
_A_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def instant_of(
    name: str, text: str, zone: ZoneInfo, *, is_end: bool = False
) -> datetime:
    """Return the time, or the first or last instant of the day, that a text names.

    ``name`` is the query parameter with the text.

    Raises:
        ApiError: ``invalid_query``, if the text is neither.
    """
    at = instant_named(text, zone, is_end=is_end)
    if at is None:
        raise invalid_query(name, NO_INSTANT)
    return at


def position_or_instant(
    name: str, text: str | None, zone: ZoneInfo, *, is_end: bool = False
) -> int | datetime | None:
    """Return the position of the log that a text is, or else its instant.

    None without a text. The other arguments are those of ``instant_of``.

    Raises:
        ApiError: ``invalid_query``, if the text is neither.
    """
    if text is None:
        return None
    place = named_position_or_instant(text, zone, is_end=is_end)
    if place is None:
        raise invalid_query(name, NO_PLACE)
    return place


def named_position_or_instant(
    text: str, zone: ZoneInfo, *, is_end: bool = False
) -> int | datetime | None:
    """Return the same as ``position_or_instant``; None if the text is neither."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    at = instant_named(text, zone, is_end=is_end)
    return None if at is None else max(at, EARLIEST)


def instant_named(
    text: str, zone: ZoneInfo, *, is_end: bool = False
) -> datetime | None:
    """Return the instant as ``instant_of``; None if the text names none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    try:
        if day is None:
            at = datetime.fromisoformat(text)
        elif is_end:
            at = midnight(day + _A_DAY, zone) - _INSTANT
        else:
            at = midnight(day, zone)
        # The database has no times beyond the first and the last year.
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
