"""The refusals that only commands to annotations meet."""

from domain.errors import ConflictError, DomainError


class InvalidAnnotationDatesError(DomainError):
    """The annotation would end before it starts."""

    field = "ends_on"

    def __init__(self) -> None:
        super().__init__("ends_on must not be before starts_on.")

    @property
    def reason(self) -> str:
        return "must not be before starts_on"


class SystemAnnotationError(ConflictError):
    """The annotation follows from other events, so nobody can change it."""

    code = "system_annotation"

    def __init__(self) -> None:
        super().__init__(
            "The annotation follows from what happened; only notes can be changed."
        )
