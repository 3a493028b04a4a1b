"""The refusals of onboarding."""

from domain.errors import DomainError


class TooManyLinesError(DomainError):
    """A pasted text has more lines than are read at once."""

    field = "text"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"text has more than {most:,} lines of creators.")
        self._most = most

    @property
    def reason(self) -> str:
        return f"has more than {self._most:,} lines of creators: add them in parts"
