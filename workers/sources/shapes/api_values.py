"""Reads single values of the answers of TikTok's APIs; an unreadable value is None."""

import re
from datetime import UTC, datetime

_DIGITS = re.compile(r"[0-9]{1,20}")
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_LONGEST_TEXT = 20_000


def whole_number(value: object) -> int | None:
    """Return an integer, also from a string of digits; a float does not count."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return None


def counter(value: object) -> int | None:
    """Return an integer that 64 bits can hold."""
    number = whole_number(value)
    return number if number is not None and -(2**63) <= number < 2**63 else None


def numeric_id(value: object) -> str | None:
    number = whole_number(value)
    return str(value) if number is not None and 0 < number < 2**64 else None


def time_of(value: object) -> datetime | None:
    """Return the time of seconds since 1970; TikTok writes 0 for an unknown one."""
    second = whole_number(value)
    if second is None or not 0 < second < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(second, UTC)


def seconds_of(value: object) -> int | None:
    """Return a length in seconds; TikTok writes 0 for photos, which have none."""
    seconds = whole_number(value)
    return seconds if seconds is not None and 0 < seconds < 2**31 else None


def text_of(value: object) -> str | None:
    """Return a text, cut off after 20,000 characters."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else None
