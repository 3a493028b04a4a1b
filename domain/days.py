"""Spans of days: the last day must not lie before the first."""

from datetime import date

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
