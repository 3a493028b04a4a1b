"""Roles: the scopes and the projects that each gives a person in the organization."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from domain.messages import MemberRole, Scope

# The highest role comes first.
_SCOPES: Final[Mapping[MemberRole, tuple[Scope, ...]]] = {
    "owner": ("read", "write", "admin"),
    "admin": ("read", "write", "admin"),
    "member": ("read", "write"),
    "viewer": ("read",),
}


def scopes_of(role: MemberRole) -> tuple[Scope, ...]:
    """Return the scopes that a person with the role has."""
    return _SCOPES[role]


def limits_of(
    role: MemberRole, project_ids: Iterable[UUID] | None
) -> frozenset[UUID] | None:
    """Return the projects that a person with the role may see, None for all.

    Only members and viewers can be limited to some projects.
    """
    if project_ids is None or may_operate(role):
        return None
    return frozenset(project_ids)


def is_lower(role: MemberRole, *, than: MemberRole) -> bool:
    """Tell whether a role may less than another one."""
    ranked = [*_SCOPES]
    return ranked.index(role) > ranked.index(than)


def may_operate(role: MemberRole) -> bool:
    """Tell whether a person with the role operates what their organization operates."""
    return role in {"owner", "admin"}
