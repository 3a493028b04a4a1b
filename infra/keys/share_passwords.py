"""Passwords of shared links in the table share_links, encrypted with the master key."""

from typing import LiteralString
from uuid import UUID

from infra.keys.master_key import MasterKey

SHARE_PASSWORDS: LiteralString = """
SELECT share_id, password FROM share_links WHERE password IS NOT NULL
"""
RESEAL_SHARE: LiteralString = """
UPDATE share_links SET password = %s WHERE share_id = %s
"""


def wrapping_name(share_id: UUID) -> str:
    """Return the name under which the master key wraps the hash of a password."""
    return f"password of share {share_id}"


def sealed_hash(master_key: MasterKey, share_id: UUID, hashed: str) -> bytes:
    """Return the hash of a link's password as the table has it."""
    return master_key.wrap(wrapping_name(share_id), hashed.encode())


def opened_hash(master_key: MasterKey, share_id: UUID, sealed: bytes) -> str:
    """Return the hash in a row of the table.

    Raises:
        MasterKeyError: another key encrypted it, or it is another link's.
    """
    return master_key.unwrap(wrapping_name(share_id), sealed).decode()
