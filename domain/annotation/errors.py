"""Errors of commands to annotations."""

from domain.errors import ConflictError


class SystemAnnotationError(ConflictError):
    """The annotation follows from other events, so nobody can change it."""

    code = "system_annotation"

    def __init__(self) -> None:
        super().__init__(
            "The annotation follows from what happened; only notes can be changed."
        )
