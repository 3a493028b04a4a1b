"""A person as a directory describes them: their role here, name and address."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct

from domain.email import checked_email, name_in
from domain.errors import InvalidEmailError
from domain.letter_case import FORBIDDEN, has_control_character, is_visible
from domain.messages import MemberRole

_HIGHEST_FIRST: Final[Sequence[MemberRole]] = ("owner", "admin", "member", "viewer")
_LONGEST_NAME = 200


class DirectoryEntry(Struct, frozen=True, kw_only=True):
    """A person as the directory knows them; no role means that they may not come in.

    ``email`` is None without an address. ``has_confirmed`` tells whether the directory
    says that the address is theirs.
    """

    name: str
    email: str | None
    has_confirmed: bool
    role: MemberRole | None


def directory_entry(
    claims: Mapping[str, Any], *, role_claim: str, roles: Mapping[str, MemberRole]
) -> DirectoryEntry:
    """Return what the claims of an OpenID provider say about a person."""
    email = _email(claims.get("email"))
    return DirectoryEntry(
        name=_name(claims, email),
        email=email,
        has_confirmed=claims.get("email_verified") is True,
        role=_role(_values(claims, role_claim), roles),
    )


def _role(
    values: Collection[str], roles: Mapping[str, MemberRole]
) -> MemberRole | None:
    found = {roles[value] for value in values if value in roles}
    return next((role for role in _HIGHEST_FIRST if role in found), None)


def _values(claims: Mapping[str, Any], path: str) -> Collection[str]:
    """Return the values of a claim: one text, or the texts in a list.

    A name with dots is that of one claim if there is such a claim, and else the way to
    a claim within others.
    """
    found: object = claims.get(path)
    if found is None and "." in path:
        found = claims
        for name in path.split("."):
            inner = cast("Mapping[str, object]", found)
            found = inner.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list):
        return []
    return [one for one in cast("list[object]", found) if isinstance(one, str)]


def _email(value: object) -> str | None:
    try:
        return checked_email(value) if isinstance(value, str) else None
    except InvalidEmailError:
        return None


def _name(claims: Mapping[str, Any], email: str | None) -> str:
    """Return the name, or the next best that the directory has."""
    parts = [claims.get("given_name"), claims.get("family_name")]
    whole = " ".join(part for part in parts if isinstance(part, str))
    for text in (claims.get("name"), whole, claims.get("preferred_username")):
        if isinstance(text, str) and (name := _readable(text)):
            return name
    return _readable(name_in(email or "")) or "Somebody"


def _readable(text: str) -> str:
    """Return the text as a name may be, empty if no character of it is visible.

    Joiners stay, since emoji and Persian names have them.
    """
    kept = FORBIDDEN.sub(" ", text)
    line = "".join(" " if has_control_character(sign) else sign for sign in kept)
    name = " ".join(line.split())[:_LONGEST_NAME].strip()
    return name if is_visible(name) else ""
