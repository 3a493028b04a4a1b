"""The question of the first start: the names and the time zone of the organization.

``goatherd up`` opens the question for an organization that it makes without these
answers. The first page after signing in asks it. An answer or a refusal closes it for
good.
"""

from uuid import UUID

from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from infra.database import AsyncPool, run_read_async

_OPEN = "INSERT INTO first_start_questions (organization_id) VALUES (%s)"
_IS_OPEN = """
SELECT EXISTS (SELECT FROM first_start_questions WHERE organization_id = %s)
"""
_CLOSE = "DELETE FROM first_start_questions WHERE organization_id = %s"


def open_question(cursor: Cursor[TupleRow], organization_id: UUID) -> None:
    """Let the first page after signing in ask for names and the time zone."""
    cursor.execute(_OPEN, (organization_id,))


async def is_question_open(pool: AsyncPool, organization_id: UUID) -> bool:
    async def ask(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
        cursor = await connection.execute(_IS_OPEN, (organization_id,))
        return await cursor.fetchone()

    row = await run_read_async(pool, ask)
    return row is not None and row[0]


async def close_question(pool: AsyncPool, organization_id: UUID) -> None:
    async with pool.connection() as connection:
        await connection.execute(_CLOSE, (organization_id,))
