"""Connect links and the attempts to use them, as stored in their tables."""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.connection.links import ConnectLink
from infra.structs import structs

# People answer TikTok's consent page within minutes, even if they must sign in first.
ATTEMPT_LIFETIME = timedelta(hours=1)
# A link is for one person, who may begin anew a few times.
MOST_ATTEMPTS = 20

_COLUMNS = (
    "id, organization_id, creator_id, created_at, expires_at, used_at, revoked_at"
)
_ADD = """
INSERT INTO connect_links (id, organization_id, creator_id, created_at, expires_at,
    used_at, revoked_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO NOTHING
"""
_OF_CREATOR = """
SELECT id, organization_id, creator_id, created_at, expires_at, used_at, revoked_at
FROM connect_links
WHERE organization_id = %s AND creator_id = %s ORDER BY created_at DESC, id LIMIT 100
"""
_FIND = """
SELECT id, organization_id, creator_id, created_at, expires_at, used_at, revoked_at
FROM connect_links WHERE id = %s
"""
_REVOKE = """
UPDATE connect_links SET revoked_at = coalesce(revoked_at, now())
WHERE organization_id = %s AND creator_id = %s AND id = %s
RETURNING id, organization_id, creator_id, created_at, expires_at, used_at, revoked_at
"""
_USE = """
UPDATE connect_links SET used_at = now()
WHERE id = %s AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
"""
_BEGIN = """
WITH tidied AS (DELETE FROM connect_attempts WHERE began_at < now() - interval '1 day')
INSERT INTO connect_attempts (state, browser, link_id)
SELECT %(state)s, %(browser)s, %(link)s WHERE (
    SELECT count(*) FROM connect_attempts
    WHERE link_id = %(link)s AND began_at > now() - %(lifetime)s::interval
) < %(most)s
"""
# A state is answered once, even if several requests bring it at the same time.
_ANSWER = """
UPDATE connect_attempts SET answers = answers + 1
WHERE state = %s AND browser = %s
RETURNING link_id, answers > 1, began_at < now() - %s::interval
"""


class Attempt(Struct, frozen=True, kw_only=True):
    """A return from TikTok: its link, and whether it came before or comes too late."""

    link_id: UUID
    is_replayed: bool
    is_late: bool


def add_link(cursor: Cursor[TupleRow], link: ConnectLink) -> None:
    """Store a link; an existing one stays as it is."""
    values = (
        *(link.id, link.organization_id, link.creator_id),
        *(link.created_at, link.expires_at, link.used_at, link.revoked_at),
    )
    cursor.execute(_ADD, values)


def links_of(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> list[ConnectLink]:
    """Return the newest hundred links of a creator, the newest first."""
    rows = cursor.execute(_OF_CREATOR, (organization_id, creator_id)).fetchall()
    return structs(ConnectLink, rows)


def find_link(cursor: Cursor[TupleRow], link_id: UUID) -> ConnectLink | None:
    rows = cursor.execute(_FIND, (link_id,)).fetchall()
    return next(iter(structs(ConnectLink, rows)), None)


def revoke_link(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID, link_id: UUID
) -> ConnectLink | None:
    """End a link, and return it; None if the creator has no such link."""
    rows = cursor.execute(_REVOKE, (organization_id, creator_id, link_id)).fetchall()
    return next(iter(structs(ConnectLink, rows)), None)


def use_link(cursor: Cursor[TupleRow], link_id: UUID) -> bool:
    """Use a link up; return False if it does not work any more."""
    return cursor.execute(_USE, (link_id,)).rowcount == 1


def begin_attempt(
    connection: Connection[TupleRow], *, state: bytes, browser: bytes, link_id: UUID
) -> bool:
    """Store that a browser was sent to TikTok; return False after too many attempts."""
    values = {"state": state, "browser": browser, "link": link_id}
    limits = {"lifetime": ATTEMPT_LIFETIME, "most": MOST_ATTEMPTS}
    return connection.execute(_BEGIN, values | limits).rowcount == 1


def answer_attempt(
    connection: Connection[TupleRow], *, state: bytes, browser: bytes
) -> Attempt | None:
    """Return the attempt of a browser that comes back; None if there was none."""
    row = connection.execute(_ANSWER, (state, browser, ATTEMPT_LIFETIME)).fetchone()
    if row is None:
        return None
    return Attempt(link_id=row[0], is_replayed=row[1], is_late=row[2])
