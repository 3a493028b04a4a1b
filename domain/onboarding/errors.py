"""Errors of onboarding."""

from domain.errors import DomainError


class NoHandleColumnError(DomainError):
    """A pasted table has headings, but none of them is a heading of handles."""

    field = "text"

    def __init__(self) -> None:
        super().__init__(f"text {self.reason}.")

    @property
    def reason(self) -> str:
        return (
            "has a row of headings without one for the handles: call that column "
            "Handle or Username"
        )


class TooManyCellsError(DomainError):
    """A line of a pasted text has more cells than one request may have."""

    field = "text"

    def __init__(self, *, line: int, most: int) -> None:
        self._place = f"has more than {most:,} values in line {line}"
        super().__init__(f"text {self._place}.")

    @property
    def reason(self) -> str:
        return f"{self._place}: put them into several lines"


class TooManyLinesError(DomainError):
    """A pasted text has more lines than one request may have."""

    field = "text"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"text has more than {most:,} lines of creators.")
        self._most = most

    @property
    def reason(self) -> str:
        return f"has more than {self._most:,} lines of creators: add them in parts"
