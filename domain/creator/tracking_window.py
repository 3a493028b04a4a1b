"""The tracking window of a creator: the days whose videos count."""

from datetime import date

from msgspec import UNSET

from domain.creator import commands as c
from domain.errors import InvalidWindowError


def window_after(
    window: tuple[date | None, date | None], command: c.ChangeTracking | c.Reactivate
) -> tuple[date | None, date | None]:
    """Return the first and the last day after a command, which may leave them unset."""
    start, end = command.tracking_start_date, command.tracking_end_date
    return (
        window[0] if start is UNSET else start,
        window[1] if end is UNSET else end,
    )


def check_window(start: date | None, end: date | None) -> None:
    """Check that a window has at least one day.

    Raises:
        InvalidWindowError: the window would end before it starts.
    """
    if start is not None and end is not None and end < start:
        raise InvalidWindowError
