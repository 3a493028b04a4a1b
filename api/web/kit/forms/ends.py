"""Ends: days on which something ends, as the API takes them."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.http.errors import Code, field_error


def end_of_day(text: str, time_zone: str) -> str | None:
    """Return the end of a day in a zone, None without a day.

    Raises:
        ApiError: ``invalid_body``, if the text is not a day.
    """
    if not text:
        return None
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
        return datetime.combine(after, time(), ZoneInfo(time_zone)).isoformat()
    except (ValueError, OverflowError):
        message = "must be a date, such as 2027-01-31"
        raise field_error(Code.INVALID_BODY, "/expires_at", message) from None
