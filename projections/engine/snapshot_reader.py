"""A reader in one database snapshot, for reads that take long."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from infra.database import READER_ROLE, AsyncPool
from infra.eventstore.codec import Codec
from projections.engine.reader import Reader

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_POSITION = "SELECT position FROM projection WHERE name = %s"


class _SingleConnection:
    """Replaces a pool: every use gets the same connection, one at a time."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection[TupleRow]]:
        async with self._lock:
            yield self._connection

    async def check(self) -> None:
        """Do nothing: a snapshot ends with its connection."""


@asynccontextmanager
async def snapshot(url: str, name: str) -> AsyncGenerator[tuple[Reader, int]]:
    """Open a reader in one snapshot; yield it and the position of a projection.

    As long as it is open, vacuum keeps every row version that it may read.
    """
    connection = await AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        application_name="goatherd cli",
        options="-c timezone=UTC",
    )
    async with connection:
        await connection.execute(_BEGIN)
        await connection.execute(
            sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(READER_ROLE))
        )
        row = await (await connection.execute(_POSITION, (name,))).fetchone()
        # A reader calls no other methods of a pool, and opens no events here.
        reader = Reader(cast("AsyncPool", _SingleConnection(connection)), Codec())
        yield reader, 0 if row is None else row[0]
