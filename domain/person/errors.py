"""Errors of commands to people."""

from domain.errors import ConflictError, DomainError


class WeakPasswordError(DomainError):
    """The password is too short, too common, or contains the name of the address."""

    field = "password"


class EmailTakenError(ConflictError):
    """Another person has the address."""

    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another person of this installation has this address.")


class SecondStepRequiredError(DomainError):
    """The password alone signs nobody in who has one-time codes."""

    def __init__(self) -> None:
        super().__init__("The person signs in with a one-time code as well.")


class PasswordLinkOverError(DomainError):
    """The link was used or replaced, or whoever made it could not make it now."""

    def __init__(self) -> None:
        super().__init__("This link is over.")


class LastSignInMethodError(ConflictError):
    """The person could not sign in any more."""

    code = "last_sign_in_method"

    def __init__(self) -> None:
        super().__init__("This is your last way to sign in, so it stays.")


class HasOwnerError(ConflictError):
    """The organization has an owner, so a key makes no other one."""

    code = "has_owner"

    def __init__(self) -> None:
        super().__init__("The organization has an owner already; sign in as a person.")
