"""Errors of commands to people."""

from domain.errors import ConflictError, DomainError


class InvalidEmailError(DomainError):
    """The text is no email address."""

    field = "email"

    def __init__(self) -> None:
        super().__init__("must be an email address, such as ada@example.com")


class WeakPasswordError(DomainError):
    """The password is too short, too common, or contains the name of the address."""

    field = "password"


class EmailTakenError(ConflictError):
    """Another person has the address."""

    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another person of this installation has this address.")


class HasOwnerError(ConflictError):
    """The organization has an owner, so a key makes no other one."""

    code = "has_owner"

    def __init__(self) -> None:
        super().__init__("The organization has an owner already; sign in as a person.")
