"""Days, times and positions as people type them, turned into the API's ``as_of``."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_INSTANT = timedelta(microseconds=1)
_DATE_LENGTH = len("2026-11-25")


def given(text: str | None) -> str | None:
    """Return the text of a field; None if it is empty."""
    return None if text is None else text.strip() or None


def to_api_time(text: str, *, time_zone: str, is_end: bool = False) -> str:
    """Return a day or a time as a time with a zone; the API refuses any other text.

    A day becomes its beginning in the zone, or with ``is_end`` its end. A time without
    a zone is in that zone. Positions and times with a zone are not changed.
    """
    zone = ZoneInfo(time_zone)
    day = _day(text)
    try:
        if day is not None and is_end:
            midnight = datetime.combine(day + timedelta(days=1), time(), zone)
            return (midnight.astimezone(UTC) - _INSTANT).isoformat()
        if day is not None:
            return datetime.combine(day, time(), zone).isoformat()
        at = datetime.fromisoformat(text)
    except (OverflowError, ValueError):
        return text
    return text if at.tzinfo else at.replace(tzinfo=zone).isoformat()


def is_backwards(start: str | None, end: str | None) -> bool:
    """Return whether the start is after the end, both from ``to_api_time``.

    A time and a position cannot be compared here.
    """
    if start is None or end is None:
        return False
    if start.isdigit() and end.isdigit():
        return int(start) > int(end)
    try:
        return datetime.fromisoformat(start) > datetime.fromisoformat(end)
    except (TypeError, ValueError):
        return False


def is_today_or_later(text: str, *, time_zone: str) -> bool:
    """Return whether a day has not ended yet."""
    day = _day(text)
    return day is not None and day >= datetime.now(ZoneInfo(time_zone)).date()


def _day(text: str) -> date | None:
    if len(text) != _DATE_LENGTH or text.isdigit():
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
