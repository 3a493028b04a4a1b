"""Errors of commands to reports."""

from domain.errors import DomainError


class InvalidReportError(DomainError):
    """A field of the report is wrong; ``reason`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}.")
        self.field = field
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class ReportStoppedError(DomainError):
    """The report was stopped, and goes on once somebody switches it on."""

    code = "report_stopped"

    def __init__(self) -> None:
        super().__init__(
            "The report was stopped, because its creator is in another project now. "
            "Look at its recipients and switch it on."
        )
