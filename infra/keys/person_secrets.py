"""Table person_secrets: what people sign in with, encrypted with the master key."""

from typing import Any, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import Cursor

from infra.keys.master_key import MasterKey

SecretKind: TypeAlias = Literal["password", "codes", "recovery"]

# Somebody without a password comes from a directory, which decides on its own factors.
LACKS_SECOND_FACTOR: LiteralString = """
EXISTS (SELECT FROM person_secrets f WHERE f.person_id = p.person_id
        AND f.kind = 'password')
AND NOT EXISTS (SELECT FROM person_secrets f WHERE f.person_id = p.person_id
                AND f.kind = 'codes')
AND NOT EXISTS (SELECT FROM passkeys k WHERE k.person_id = p.person_id)
"""
"""The condition that the person ``p`` has no second factor and no passkey."""

HAS_OWN_WAY_IN: LiteralString = """
(EXISTS (SELECT FROM person_secrets f WHERE f.person_id = p.person_id
         AND f.kind = 'password')
 OR EXISTS (SELECT FROM passkeys k WHERE k.person_id = p.person_id))
"""
"""The condition that the person ``p`` signs in without a provider."""

LACKING: LiteralString = f"""
SELECT {LACKS_SECOND_FACTOR} FROM people p WHERE p.person_id = %s
"""  # noqa: S608 - constants only
_SET: LiteralString = """
INSERT INTO person_secrets (person_id, kind, sealed) VALUES (%s, %s, %s)
ON CONFLICT (person_id, kind) DO UPDATE SET sealed = excluded.sealed,
    last_step = NULL, changed_at = now()
"""
_REMOVE: LiteralString = """
DELETE FROM person_secrets WHERE person_id = %s AND kind = %s
"""


def secret_name(person_id: UUID, kind: str) -> str:
    """Return the name under which the master key wraps a secret of a person."""
    return f"{kind} of {person_id}"


def set_secret(
    cursor: Cursor[Any],
    master_key: MasterKey,
    person_id: UUID,
    kind: SecretKind,
    secret: bytes,
) -> None:
    """Store a secret of a person, in place of an earlier one of its kind."""
    sealed = master_key.wrap(secret_name(person_id, kind), secret)
    cursor.execute(_SET, (person_id, kind, sealed))


def opened_secret(
    master_key: MasterKey, person_id: UUID, kind: SecretKind, sealed: bytes | None
) -> bytes | None:
    """Return the secret in a row of the table, None without one.

    Raises:
        MasterKeyError: another key encrypted it, or it is another person's.
    """
    if sealed is None:
        return None
    return master_key.unwrap(secret_name(person_id, kind), sealed)


def remove_secret(cursor: Cursor[Any], person_id: UUID, kind: SecretKind) -> None:
    """Delete a secret of a person, if they have one of its kind."""
    cursor.execute(_REMOVE, (person_id, kind))


def set_password_hash(
    cursor: Cursor[Any], master_key: MasterKey, person_id: UUID, hashed: str
) -> None:
    """Store the hash of a person's password, in place of an earlier one."""
    set_secret(cursor, master_key, person_id, "password", hashed.encode())


def opened_password_hash(
    master_key: MasterKey, person_id: UUID, sealed: bytes | None
) -> str | None:
    """Return the hash in a row of the table, None without one.

    Raises:
        MasterKeyError: another key encrypted it, or it is another person's.
    """
    hashed = opened_secret(master_key, person_id, "password", sealed)
    return None if hashed is None else hashed.decode()
