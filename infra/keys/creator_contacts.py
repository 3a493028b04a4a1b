"""Table creator_contacts: the addresses of creators, each encrypted."""

from collections.abc import Collection
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor

from infra.keys.master_key import MasterKey

_SET: LiteralString = """
INSERT INTO creator_contacts (creator_id, sealed) VALUES (%s, %s)
ON CONFLICT (creator_id) DO UPDATE SET sealed = excluded.sealed
"""
_ONE: LiteralString = "SELECT sealed FROM creator_contacts WHERE creator_id = %s"
_REMOVE: LiteralString = "DELETE FROM creator_contacts WHERE creator_id = ANY(%s)"

STORED_CONTACTS: LiteralString = "SELECT creator_id, sealed FROM creator_contacts"
RESEAL_CONTACT: LiteralString = """
UPDATE creator_contacts SET sealed = %s WHERE creator_id = %s
"""


def creator_contact_name(creator_id: UUID) -> str:
    """Return the name under which the master key wraps the address of a creator."""
    return f"contact address of creator {creator_id}"


def set_creator_contact(
    cursor: Cursor[Any], master_key: MasterKey, creator_id: UUID, email: str
) -> None:
    sealed = master_key.wrap(creator_contact_name(creator_id), email.encode())
    cursor.execute(_SET, (creator_id, sealed))


def creator_contact(
    cursor: Cursor[Any], master_key: MasterKey, creator_id: UUID
) -> str | None:
    """Return the contact address of a creator, None if there is none.

    Raises:
        MasterKeyError: another key encrypted it.
    """
    row = cursor.execute(_ONE, (creator_id,)).fetchone()
    if row is None:
        return None
    return master_key.unwrap(creator_contact_name(creator_id), row[0]).decode()


def remove_creator_contacts(cursor: Cursor[Any], creator_ids: Collection[UUID]) -> None:
    cursor.execute(_REMOVE, (list(creator_ids),))
