"""Roles: the scopes that each gives a person in the organization."""

from collections.abc import Mapping
from typing import Final

from domain.messages import MemberRole, Scope

_SCOPES: Final[Mapping[MemberRole, tuple[Scope, ...]]] = {
    "owner": ("read", "write", "admin"),
    "admin": ("read", "write", "admin"),
    "member": ("read", "write"),
    "viewer": ("read",),
}


def scopes_of(role: MemberRole) -> tuple[Scope, ...]:
    """Return the scopes that a person with the role has."""
    return _SCOPES[role]
