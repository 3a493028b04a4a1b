"""Links that sign in once, so that nobody has to copy a key."""

from secrets import token_urlsafe

from psycopg import AsyncConnection, Connection, Cursor
from psycopg.rows import TupleRow

from infra.database import AsyncPool, run_read_async
from infra.keys.digests import digest_of

LIFETIME_HOURS = 24

_MAKE = """
WITH tidied AS (DELETE FROM sign_in_links WHERE expires_at <= now())
INSERT INTO sign_in_links (digest, key_digest, expires_at)
VALUES (%s, %s, now() + make_interval(hours => %s))
"""
# Deleting the row makes the link work once, even if several requests use it at a time.
_SPEND = """
DELETE FROM sign_in_links WHERE digest = %s
RETURNING key_digest, expires_at > now()
"""
_PEEK = "SELECT key_digest FROM sign_in_links WHERE digest = %s AND expires_at > now()"


def make_link(connection: Connection[TupleRow], key: str) -> str:
    """Return the path of a new link that signs in with a key."""
    token = token_urlsafe(24)
    connection.execute(_MAKE, (digest_of(token), digest_of(key), LIFETIME_HOURS))
    return f"/sign-in/{token}"


def delete_link(cursor: Cursor[TupleRow], token: str) -> None:
    """Use a link up in the transaction of another change."""
    cursor.execute("DELETE FROM sign_in_links WHERE digest = %s", (digest_of(token),))


async def spend_link(pool: AsyncPool, token: str) -> bytes | None:
    """Use a link up and return the digest of its key; None if it is not valid."""

    async def spend(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
        cursor = await connection.execute(_SPEND, (digest_of(token),))
        return await cursor.fetchone()

    row = await run_read_async(pool, spend)
    return None if row is None or not row[1] else bytes(row[0])


async def peek_link(pool: AsyncPool, token: str) -> bytes | None:
    """Return the digest of a link's key and leave the link as it is."""

    async def peek(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
        cursor = await connection.execute(_PEEK, (digest_of(token),))
        return await cursor.fetchone()

    row = await run_read_async(pool, peek)
    return None if row is None else bytes(row[0])
