"""The positions that a replay begins and ends with, named as positions or as times."""

from datetime import UTC, datetime
from typing import Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.webhooks.positions_of_times import first_position_at

_MOST_DIGITS: Final = 18
_FORMS: Final = "must be a position, or a time with its zone"


class InvalidBoundError(ValueError):
    """An end is neither a position nor a time; ``field`` is its name."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


def positions_of(
    cursor: Cursor[TupleRow], from_: int | str, to: int | str | None
) -> tuple[int, int]:
    """Return the first and the last position, both included; by default it ends now.

    Raises:
        InvalidBoundError: an end is neither, or the last one is before the first.
    """
    first = _position(cursor, "from", from_)
    last = _position(cursor, "to", datetime.now(UTC) if to is None else to, is_end=True)
    if last < first:
        raise InvalidBoundError("to", "must not be before from")
    return first, last


def _position(
    cursor: Cursor[TupleRow],
    name: str,
    given: int | str | datetime,
    *,
    is_end: bool = False,
) -> int:
    if isinstance(given, str):
        is_number = given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS
        given = int(given) if is_number else _time(name, given)
    if isinstance(given, int):
        if not 0 <= given < 10**_MOST_DIGITS:
            raise InvalidBoundError(name, _FORMS)
        return given
    first = first_position_at(cursor, given)
    return first - 1 if is_end else first


def _time(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidBoundError(name, _FORMS)
