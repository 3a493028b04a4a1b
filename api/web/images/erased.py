"""Pictures of people who were erased: copies are deleted, and none is made again."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from application.erase.pictures import forget_pictures
from infra.database import AsyncPool, run_read_async

_SECONDS_BETWEEN_CHECKS = 2.0

_IS_ERASED = "SELECT EXISTS (SELECT FROM erased_pictures WHERE name = %s)"
_SINCE = "SELECT number, name FROM erased_pictures WHERE number > %s ORDER BY number"


class ErasedPictures:
    """The erased pictures, and the folder whose copies are deleted."""

    def __init__(self, pool: AsyncPool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder
        self._number = 0

    async def has(self, name: str) -> bool:
        """Return whether the picture with this name was erased.

        While the database is unreachable, every picture counts as erased.
        """

        async def ask(connection: AsyncConnection[TupleRow]) -> bool:
            row = await (await connection.execute(_IS_ERASED, (name,))).fetchone()
            return row is not None and row[0]

        try:
            return await run_read_async(self._pool, ask)
        except psycopg.Error:
            return True

    async def forget_new(self) -> None:
        """Delete copies of pictures that were erased since the last call."""

        async def ask(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            return await (await connection.execute(_SINCE, (self._number,))).fetchall()

        rows = await run_read_async(self._pool, ask)
        if rows:
            names = [name for _, name in rows]
            await asyncio.to_thread(forget_pictures, self._folder, names)
            self._number = rows[-1][0]

    async def keep_forgetting(self) -> NoReturn:
        """Delete copies of erased pictures every two seconds, until cancelled."""
        while True:
            # Requests that need the database report that it is unreachable.
            with suppress(psycopg.Error):
                await self.forget_new()
            await asyncio.sleep(_SECONDS_BETWEEN_CHECKS)
