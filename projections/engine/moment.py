"""One snapshot of the database, on one connection or on several at the same time."""

import asyncio
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from infra.database import AsyncPool, again_if_cut
from projections.engine.reader import Query, Statement, rows_of

BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# The rest of the pool stays free for others.
_SIDE_BY_SIDE = 4
_SIDE_SECONDS = 0.1

_Connection = AsyncConnection[TupleRow]


class _Waiting(NamedTuple):
    """A query that another one may take along to the server."""

    query: Query
    rows: "asyncio.Future[list[TupleRow]]"


class Moment:
    """A snapshot, from the first query to ``end``.

    A snapshot belongs to one connection, so concurrent queries are sent together, with
    one way to the server and back. Once the snapshot is shared, they run on up to four
    connections, if the pool has any to spare.
    """

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._change = asyncio.Condition()
        self._taken = 0
        self._free: list[_Connection] = []
        # The organization that the transaction of each connection is set to.
        self._begun: dict[_Connection, UUID | None] = {}
        self._name: str | None = None
        self._named_by: _Connection | None = None
        self._is_nameless = False
        self._running = 0
        self._waiting: list[_Waiting] = []
        self._has_ended = False

    @property
    def has_begun(self) -> bool:
        return bool(self._begun)

    @property
    def is_shared(self) -> bool:
        return self._name is not None

    def share(self, name: str) -> None:
        """Let other connections use the snapshot, exported under this name.

        It lasts as long as the transaction of its one connection until now. Once that
        has failed, the others take turns.
        """
        if not (self.is_shared or self._is_nameless):
            self._named_by = next(iter(self._begun), None)
            self._name = self._named_by and name

    async def run(self, query: Query) -> list[TupleRow]:
        self._running += 1
        try:
            if self._taken:
                return await self._run(query)
            return await again_if_cut(self._pool, lambda: self._run(query))
        finally:
            self._running -= 1
            if self._has_ended:
                await self.end()

    async def end(self) -> None:
        """End the snapshot once its running queries are done.

        One that still waits for a connection needs the transaction that named it.
        """
        self._has_ended = True
        if self._running:
            return
        free, self._free = self._free, []
        await asyncio.gather(*(self._give_back(each) for each in free))

    async def _run(self, query: Query) -> list[TupleRow]:
        own = _Waiting(query, asyncio.get_running_loop().create_future())
        self._waiting.append(own)
        try:
            # Concurrent queries come in meanwhile.
            await asyncio.sleep(0)
            connection = await self._take(own)
        except BaseException:
            self._waiting = [each for each in self._waiting if each is not own]
            raise
        if connection is None:
            return own.rows.result()
        together, self._waiting = self._company(own)
        try:
            await self._send(connection, together)
        except BaseException as error:
            for each in together:
                if each is own or each.rows.done():
                    continue
                if isinstance(error, Exception):
                    each.rows.set_exception(error)
                else:
                    each.rows.cancel()
            # The transaction of this connection has failed.
            await self._give_back(connection)
            raise
        await self._leave(connection)
        return own.rows.result()

    async def _leave(self, connection: _Connection) -> None:
        """Leave a connection to the next query, or to the end."""
        async with self._change:
            self._free.append(connection)
            self._change.notify_all()

    def _company(self, own: _Waiting) -> tuple[list[_Waiting], list[_Waiting]]:
        """Return the queries to send with one that waits, and those left waiting."""
        # Each connection of a shared snapshot takes its part of what waits.
        most = len(self._waiting)
        if self.is_shared:
            most = -(-most // _SIDE_BY_SIDE)
        together, left = [own], list[_Waiting]()
        for each in self._waiting:
            if each is own:
                continue
            is_alike = each.query.organization_id == own.query.organization_id
            goes_along = is_alike and len(together) < most
            (together if goes_along else left).append(each)
        return together, left

    async def _send(self, connection: _Connection, together: list[_Waiting]) -> None:
        """Run queries of one organization, and hand out their rows."""
        query = together[0].query
        found = await rows_of(
            connection,
            [each.query for each in together],
            after=self._first(connection, query),
        )
        self._begun[connection] = query.organization_id or self._begun.get(connection)
        for each, rows in zip(together, found, strict=True):
            if not each.rows.done():
                each.rows.set_result(rows)

    async def _take(self, own: _Waiting) -> _Connection | None:
        """Return a connection of the snapshot; None once the rows are there.

        Another query may have taken this one along, which then needs no connection.
        """

        def waits() -> bool:
            return any(each is own for each in self._waiting)

        while True:
            async with self._change:
                await self._change.wait_for(
                    lambda: own.rows.done() or (waits() and self._is_possible())
                )
                if own.rows.done():
                    return None
                if self._free:
                    return self._free.pop()
                is_first = not self._taken
                self._taken += 1
            try:
                seconds = None if is_first else _SIDE_SECONDS
                connection = await self._pool.getconn(timeout=seconds)
            except BaseException as error:
                async with self._change:
                    self._taken -= 1
                    self._change.notify_all()
                if is_first or not isinstance(error, PoolTimeout):
                    raise
                continue
            if not (is_first or self.is_shared):
                # The name was lost meanwhile, and this would be another snapshot.
                await self._give_back(connection)
            elif waits():
                return connection
            else:
                await self._leave(connection)

    def _is_possible(self) -> bool:
        if self._free or not self._taken:
            return True
        if self._name is None or self._taken >= _SIDE_BY_SIDE:
            return False
        pool = self._pool.get_stats()
        has_room = pool["pool_available"] or pool["pool_size"] < pool["pool_max"]
        return bool(has_room and not pool["requests_waiting"])

    def _first(self, connection: _Connection, query: Query) -> list[Statement]:
        """Return the statements that must precede a query on this connection."""
        if connection in self._begun:
            is_set = query.organization_id == self._begun[connection]
            return [] if is_set else [*query.as_whom]
        begin: list[Statement] = [(BEGIN, ())]
        if self._name is not None:
            begin.append((f"SET TRANSACTION SNAPSHOT '{self._name}'".encode(), ()))
        return [*begin, *query.as_whom]

    async def _give_back(self, connection: _Connection) -> None:
        self._begun.pop(connection, None)
        if connection is self._named_by:
            self._name = self._named_by = None
            self._is_nameless = True
        try:
            # The pool replaces a connection that was cut. After a rollback psycopg
            # would prepare all statements of the connection anew.
            with suppress(psycopg.Error):
                if connection.info.transaction_status == TransactionStatus.INTRANS:
                    await connection.commit()
                else:
                    await connection.rollback()
        finally:
            await self._pool.putconn(connection)
            async with self._change:
                self._taken -= 1
                self._change.notify_all()
