"""Errors of commands to organizations that concern their members."""

from domain.errors import ConflictError, DomainError
from domain.messages import MemberRole


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
        super().__init__(f"must be null for the role {role}, which sees all projects")
