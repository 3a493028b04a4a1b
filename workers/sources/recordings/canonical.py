"""The canonical forms of handles and times in recordings."""

from datetime import UTC, datetime
from functools import lru_cache

from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError


@lru_cache(maxsize=65_536)
def plain_handle(text: str) -> str:
    """Return the handle in lower case.

    Recordings allow no other variation.

    Raises:
        ValueError: the text is no plain handle.
    """
    try:
        plain = normalize_handle(text)
    except InvalidHandleError as error:
        raise ValueError(str(error)) from error
    if plain != text.lower():
        message = f"Expected the plain handle {plain!r}, got {text!r}"
        raise ValueError(message)
    return plain


def in_utc(time: datetime) -> datetime:
    """Return the time in UTC.

    Raises:
        ValueError: the year cannot be written.
    """
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        message = f"{time.isoformat()} is outside the years 1 to 9999 in UTC"
        raise ValueError(message) from error
