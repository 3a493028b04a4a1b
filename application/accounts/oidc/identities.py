"""The tables of identities at a provider, and of sign-ins that came back from it."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.errors import UniqueViolation

_USE: LiteralString = """
WITH tidied AS (DELETE FROM used_oidc_states WHERE expires_at <= now())
INSERT INTO used_oidc_states (digest, expires_at) VALUES (%s, to_timestamp(%s))
ON CONFLICT DO NOTHING RETURNING digest
"""
_FIND: LiteralString = """
SELECT person_id FROM person_identities WHERE digest = %s FOR SHARE
"""
_CONFIRM: LiteralString = """
UPDATE person_identities SET confirmed_at = now() WHERE digest = %s RETURNING person_id
"""
_ADD: LiteralString = """
INSERT INTO person_identities (digest, person_id, issuer) VALUES (%s, %s, %s)
"""
_REMOVE: LiteralString = """
DELETE FROM person_identities WHERE person_id = %s AND issuer = %s
"""
HAS_IDENTITY: LiteralString = """
SELECT EXISTS (SELECT FROM person_identities WHERE person_id = %s AND issuer = %s)
"""


class IdentityTakenError(Exception):
    """A person has the identity, or another identity of the same provider."""


def use_state(cursor: Cursor[Any], digest: bytes, until: int) -> bool:
    """Use a sign-in up; tell whether it is the first time."""
    return cursor.execute(_USE, (digest, until)).fetchone() is not None


def person_with_identity(cursor: Cursor[Any], digest: bytes) -> UUID | None:
    """Return the person of an identity, which stays theirs in this transaction."""
    row = cursor.execute(_FIND, (digest,)).fetchone()
    return None if row is None else row[0]


def confirm_identity(cursor: Cursor[Any], digest: bytes) -> UUID | None:
    """Note that the provider signs the person of an identity in; return the person."""
    row = cursor.execute(_CONFIRM, (digest,)).fetchone()
    return None if row is None else row[0]


def add_identity(
    cursor: Cursor[Any], digest: bytes, person_id: UUID, issuer: str
) -> None:
    """Give a person an identity.

    Raises:
        IdentityTakenError: somebody has it, or the person has another one.
    """
    try:
        cursor.execute(_ADD, (digest, person_id, issuer))
    except UniqueViolation:
        raise IdentityTakenError from None


def remove_identity(cursor: Cursor[Any], person_id: UUID, issuer: str) -> None:
    """Take a person's identity at a provider away."""
    cursor.execute(_REMOVE, (person_id, issuer))
