"""Days from one to another, of whatever has a first and a last one."""

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
    """Check that days end where they start or later; None is no day.

    Raises:
        EndsBeforeStartError: they do not.
    """
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise EndsBeforeStartError
