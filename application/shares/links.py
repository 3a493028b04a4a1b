"""Table share_links: the digest of a token, the hash of a password, and the visits."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor

from infra.keys.digests import digest_of
from infra.keys.master_key import MasterKey
from infra.keys.share_passwords import sealed_hash

_ADD: LiteralString = """
INSERT INTO share_links (digest, share_id, organization_id, project_id, password)
VALUES (%s, %s, %s, %s, %s)
"""
_PROTECT: LiteralString = """
UPDATE share_links SET password = %s WHERE share_id = %s
"""
_OPENED: LiteralString = """
SELECT opened_count, last_opened_at FROM share_links WHERE share_id = %s
"""


def path_of(token: str) -> str:
    """Return the path of a shared page."""
    return f"/s/{token}"


def add_link(
    cursor: Cursor[Any],
    share_id: UUID,
    *,
    token: str,
    organization_id: UUID,
    project_id: UUID,
    hashed: str | None,
    master_key: MasterKey,
) -> None:
    """Store the digest of a new link's token, and the hash of its password."""
    sealed = None if hashed is None else sealed_hash(master_key, share_id, hashed)
    row = (digest_of(token), share_id, organization_id, project_id, sealed)
    cursor.execute(_ADD, row)


def set_password(
    cursor: Cursor[Any], share_id: UUID, hashed: str | None, *, master_key: MasterKey
) -> None:
    """Store the hash of another password, or of none."""
    sealed = None if hashed is None else sealed_hash(master_key, share_id, hashed)
    cursor.execute(_PROTECT, (sealed, share_id))


def forget_password(cursor: Cursor[Any], share_id: UUID) -> None:
    """Delete the hash of the password of a link that ended."""
    cursor.execute(_PROTECT, (None, share_id))


def opened_within(cursor: Cursor[Any], share_id: UUID) -> tuple[int, datetime | None]:
    """Return how often the page was opened, and when last."""
    row = cursor.execute(_OPENED, (share_id,)).fetchone()
    return (0, None) if row is None else (row[0], row[1])
