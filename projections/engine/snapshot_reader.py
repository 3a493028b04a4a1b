"""Snapshots: read models as they are at one moment, for reads that take a while."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from infra.database import READER_ROLE, AsyncPool
from projections.engine.reader import Reader

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_POSITION = "SELECT position FROM projection WHERE name = %s"


class _Held:
    """What a reader needs of a pool, with one connection that goes on being used."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection[TupleRow]]:
        async with self._turn:
            yield self._connection

    async def check(self) -> None:
        """Do nothing: a snapshot that was cut is lost."""


@asynccontextmanager
async def snapshot(url: str, name: str) -> AsyncGenerator[tuple[Reader, int]]:
    """Give a reader to whom nothing changes, and the position of a projection there.

    Like any reader it sees one organization at a time, but it may take its time. While
    it lasts, vacuum keeps what it may still read.
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
        # Of a pool, a reader uses no more than these two methods.
        reader = Reader(cast("AsyncPool", _Held(connection)))
        yield reader, 0 if row is None else row[0]
