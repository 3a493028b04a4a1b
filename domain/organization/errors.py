"""Errors of commands to organizations, their projects, members and invitations."""

from collections.abc import Sequence

from domain.errors import ConflictError, DomainError, InvalidFieldError
from domain.messages import MemberRole, Scope


class LastProjectError(ConflictError):
    """An organization always has a project that is not archived."""

    code = "last_project"

    def __init__(self) -> None:
        super().__init__(
            "No other project would be left: create or restore one before."
        )


class ProjectArchivedError(ConflictError):
    """Nothing new is tracked or scraped in an archived project."""

    code = "project_archived"

    def __init__(self) -> None:
        super().__init__("The project is archived: restore it first.")


class LastOwnerError(ConflictError):
    """An organization always has an owner, so the last one stays."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__(
            "The organization needs an owner: make somebody else an owner first."
        )


class RoleSeesAllError(DomainError):
    """Owners and admins see all projects, so nothing can narrow them to some."""

    field = "project_ids"

    def __init__(self, role: MemberRole) -> None:
        super().__init__(
            f"must be left out for the role {role}, which sees all projects"
        )


class OwnersOnlyError(DomainError):
    """Only owners make, change and remove owners."""

    code = "owners_only"

    def __init__(self) -> None:
        super().__init__("Only an owner can make, change or remove an owner.")


class InvalidHandoverError(InvalidFieldError):
    """A thing of a removed person can't be treated like that; ``reason`` says why."""


class NoPasswordLinkError(ConflictError):
    """The account is not the organization's alone, so its admins don't open it."""

    code = "no_password_link"

    def __init__(self) -> None:
        super().__init__(
            "The person belongs to another organization as well, or signs in by a "
            "directory: only the operator can make a link for them."
        )


class RightsLostError(DomainError):
    """The one who asks was an owner or admin a moment ago."""

    code = "insufficient_scope"

    def __init__(self, granted: Sequence[Scope]) -> None:
        super().__init__("You are no owner or admin of the organization any more.")
        self.details = {"required": "admin", "granted": list(granted)}


class AlreadyInOrganizationError(ConflictError):
    """A member has the address of the invitation."""

    code = "already_member"

    def __init__(self) -> None:
        super().__init__("A member has this address already.")


class AlreadyInvitedError(ConflictError):
    """An open invitation has the address."""

    code = "already_invited"

    def __init__(self) -> None:
        super().__init__(
            "This address has an open invitation: send that again, or withdraw it."
        )


class InvitationOverError(DomainError):
    """Nobody can use the invitation any more."""

    code = "gone"

    def __init__(self) -> None:
        super().__init__(
            "The invitation was used or withdrawn, or it expired: ask for a new one."
        )


class AnotherAddressError(DomainError):
    """The invitation is for somebody else."""

    code = "another_address"

    def __init__(self) -> None:
        super().__init__(
            "The invitation is for another address: use an account with that address."
        )
