"""Errors of commands to views."""

from domain.errors import ConflictError, InvalidFieldError


class BuiltInViewError(ConflictError):
    """The view comes with Goatherd, so nobody can change it."""

    code = "built_in_view"

    def __init__(self) -> None:
        super().__init__(
            "The view comes with Goatherd; save a view of your own to change it."
        )


class InvalidViewQueryError(InvalidFieldError):
    """The list does not have such a query; ``reason`` says why."""

    field = "query"
