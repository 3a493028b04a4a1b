"""Days: spans that must not end before they start, and the names of time zones."""

from datetime import date
from functools import cache
from zoneinfo import available_timezones

from domain.errors import DomainError


class EndsBeforeStartError(DomainError):
    """The last day would lie before the first."""

    field = "ends_on"

    def __init__(self) -> None:
        super().__init__(f"ends_on {self.reason}.")

    @property
    def reason(self) -> str:
        return "must not be before starts_on"


def check_days(starts_on: date | None, ends_on: date | None) -> None:
    """Check that a span of days does not end before it starts; None is an open end.

    Raises:
        EndsBeforeStartError: the span does.
    """
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise EndsBeforeStartError


@cache
def time_zones() -> frozenset[str]:
    """List the names that this machine knows; its 600 files are looked up once."""
    # Debian lists this name among the zones, but it means another zone on each machine.
    return frozenset(available_timezones() - {"localtime"})
