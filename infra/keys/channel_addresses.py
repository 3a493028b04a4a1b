"""Table channel_addresses: where channels send to, each encrypted."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor

from infra.keys.master_key import MasterKey

_SET: LiteralString = """
INSERT INTO channel_addresses (channel_id, sealed) VALUES (%s, %s)
ON CONFLICT (channel_id) DO UPDATE SET sealed = excluded.sealed
"""
_ONE: LiteralString = "SELECT sealed FROM channel_addresses WHERE channel_id = %s"
_REMOVE: LiteralString = "DELETE FROM channel_addresses WHERE channel_id = %s"

STORED_ADDRESSES: LiteralString = "SELECT channel_id, sealed FROM channel_addresses"
RESEAL_ADDRESS: LiteralString = """
UPDATE channel_addresses SET sealed = %s WHERE channel_id = %s
"""


def channel_address_name(channel_id: UUID) -> str:
    """Return the name under which the master key wraps the address of a channel."""
    return f"address of channel {channel_id}"


def set_channel_address(
    cursor: Cursor[Any], master_key: MasterKey, channel_id: UUID, address: str
) -> None:
    sealed = master_key.wrap(channel_address_name(channel_id), address.encode())
    cursor.execute(_SET, (channel_id, sealed))


def channel_address(
    cursor: Cursor[Any], master_key: MasterKey, channel_id: UUID
) -> str | None:
    """Return the address of a channel, None if it is gone.

    Raises:
        MasterKeyError: another key encrypted it.
    """
    row = cursor.execute(_ONE, (channel_id,)).fetchone()
    if row is None:
        return None
    return master_key.unwrap(channel_address_name(channel_id), row[0]).decode()


def remove_channel_address(cursor: Cursor[Any], channel_id: UUID) -> None:
    cursor.execute(_REMOVE, (channel_id,))
