"""Table person_secrets: what people sign in with, encrypted with the master key."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor

from infra.keys.master_key import MasterKey

_SET: LiteralString = """
INSERT INTO person_secrets (person_id, kind, sealed) VALUES (%s, 'password', %s)
ON CONFLICT (person_id, kind) DO UPDATE SET sealed = excluded.sealed, changed_at = now()
"""


def secret_name(person_id: UUID, kind: str) -> str:
    """Return the name under which the master key wraps a secret of a person."""
    return f"{kind} of {person_id}"


def set_password_hash(
    cursor: Cursor[Any], master_key: MasterKey, person_id: UUID, hashed: str
) -> None:
    """Store the hash of a person's password, in place of an earlier one."""
    name = secret_name(person_id, "password")
    cursor.execute(_SET, (person_id, master_key.wrap(name, hashed.encode())))


def opened_password_hash(
    master_key: MasterKey, person_id: UUID, sealed: bytes | None
) -> str | None:
    """Return the hash in a row of the table, None without one.

    Raises:
        MasterKeyError: another key encrypted it, or it is another person's.
    """
    if sealed is None:
        return None
    return master_key.unwrap(secret_name(person_id, "password"), sealed).decode()
