"""Reads one organization's rows of read models, once they have reached a position."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database import AsyncPool, run_read_async
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent, open_envelopes

PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.003

# The setting ends with the pipeline's implicit transaction, so the pool gets the
# connection back without it.
_SET_ORGANIZATION = "SELECT set_config('goatherd.organization_id', %s, true)"
_POSITION = "SELECT position FROM projection WHERE name = %s"


class ProjectionBehindError(Exception):
    """The read model did not reach a position in time.

    How far it is would say how much others do.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has not caught up with that position yet; retry in a moment."
        )


class Reader:
    """Queries read models as the role that row-level security applies to.

    ``codec`` decodes events, and opens those that are sealed.
    """

    def __init__(self, pool: AsyncPool, codec: Codec) -> None:
        self._pool = pool
        self._codec = codec

    async def rows(
        self, organization_id: UUID, query: bytes, parameters: Mapping[str, object]
    ) -> list[TupleRow]:
        """Run a query that sees the rows of one organization only."""

        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            async with connection.pipeline():
                await connection.execute(
                    _SET_ORGANIZATION, (str(organization_id),), prepare=True
                )
                cursor = connection.cursor(binary=True)
                await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchall()

        return await run_read_async(self._pool, run)

    async def page(
        self,
        organization_id: UUID,
        query: bytes,
        *,
        limit: int,
        after: tuple[Any, UUID] | None,
        **parameters: object,
    ) -> list[TupleRow]:
        """Run a query for a page, which ``newest_first`` may end, as ``rows`` does.

        It begins after the row with the sort value and the id that ``after`` has.
        """
        value, last_id = after or (None, None)
        where = {"value": value, "last_id": last_id, "limit": limit}
        parameters |= {"organization": organization_id, **where}
        return await self.rows(organization_id, query, parameters)

    async def opened(self, rows: Sequence[TupleRow]) -> list[RecordedEvent]:
        """Return rows of the log as recorded events, as ``open_envelopes`` does."""
        # It may read keys from the database.
        return await asyncio.to_thread(open_envelopes, rows, self._codec)

    async def wait_for(
        self,
        name: str,
        position: int,
        *,
        unless: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Return once the projection has reached ``position``.

        ``unless`` is asked before it waits, and if true it does not wait.

        Raises:
            ProjectionBehindError: it did not, within two seconds.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS

        async def run(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
            cursor = await connection.execute(_POSITION, (name,), prepare=True)
            return await cursor.fetchone()

        while True:
            row = await run_read_async(self._pool, run)
            reached = 0 if row is None else int(row[0])
            if reached >= position:
                return
            if unless is not None:
                if await unless():
                    return
                unless = None
            if time.monotonic() >= deadline:
                raise ProjectionBehindError(name)
            await asyncio.sleep(_POLL_SECONDS)


def newest_first(time_column: str, id_column: str = "id") -> str:
    """Return the end of a query for a page, after one more condition."""
    return f"""
AND (%(value)s::timestamptz IS NULL
     OR ({time_column}, {id_column}) < (%(value)s, %(last_id)s))
ORDER BY {time_column} DESC, {id_column} DESC LIMIT %(limit)s
"""
