"""Errors of commands to views."""

from domain.errors import ConflictError, DomainError, InvalidFieldError


class BuiltInViewError(ConflictError):
    """The view comes with Goatherd, so nobody can change it."""

    code = "built_in_view"

    def __init__(self) -> None:
        super().__init__(
            "The view comes with Goatherd; save a view of your own to change it."
        )


class ViewOfAnotherError(DomainError):
    """For whom a view is, its owner and managers of the organization decide."""

    code = "view_of_another"

    def __init__(self) -> None:
        super().__init__(
            "The view is another person's: they or an admin decide for whom it is."
        )


class OwnerlessViewError(InvalidFieldError):
    """A view for one person alone needs a person."""

    field = "for"

    def __init__(self) -> None:
        super().__init__("must be everyone: the key belongs to the organization")


class InvalidViewQueryError(InvalidFieldError):
    """The list does not have such a query; ``reason`` says why."""

    field = "query"
