"""Readers in one snapshot of the database: for an answer, and for an export."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeVar, cast
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from infra.database import READER_ROLE, AsyncPool
from infra.eventstore.codec import Codec
from projections.engine.kept_results import KeptResults
from projections.engine.moment import BEGIN, Moment
from projections.engine.reader import Query, Reader

T = TypeVar("T")
_EXPORT = b"SELECT pg_export_snapshot()"
_POSITION = "SELECT position FROM projection WHERE name = %s"


class SnapshotReader(Reader):
    """A reader that sees the database as of its first read, until its end.

    All parts of an answer therefore show the same moment. A wait for a position that is
    not reached ends the snapshot, and the next read begins another: reads before a wait
    only find out how long to wait. After ``close`` each read has a snapshot of its own.
    """

    def __init__(
        self,
        pool: AsyncPool,
        codec: Codec,
        *,
        project_ids: frozenset[UUID] | None = None,
    ) -> None:
        super().__init__(pool, codec, project_ids=project_ids)
        self._moment = Moment(pool)
        self._is_closed = False

    @property
    def alone(self) -> Reader:
        """Return the reader for an answer with a single read."""
        if self._moment.has_begun:
            return self
        return Reader(self._pool, self._codec, project_ids=self.project_ids)

    async def side_by_side(self) -> None:
        """Let further reads of this answer run at the same time."""
        moment = self._moment
        if not moment.is_shared:
            ((name,),) = await self.run(Query(None, _EXPORT, {}))
            # A snapshot that ended meanwhile took its name along.
            if moment is self._moment:
                moment.share(name)

    async def end(self) -> None:
        """End the snapshot, if there is one; the next read sees newer data."""
        moment, self._moment = self._moment, Moment(self._pool)
        await moment.end()

    async def close(self) -> None:
        """End the snapshot, if there is one, and never begin another."""
        self._is_closed = True
        await self.end()

    async def run(self, query: Query) -> list[TupleRow]:
        """Return the rows of a query in the snapshot."""
        if self._is_closed:
            return await super().run(query)
        return await self._moment.run(self._limited(query))


class RememberingReader(SnapshotReader):
    """A reader in one snapshot that runs equal queries once.

    Several answers share it, such as those that make up a page. They repeat queries,
    whose rows cannot differ as long as the snapshot lasts. ``kept`` has results of
    earlier snapshots.
    """

    def __init__(
        self,
        pool: AsyncPool,
        codec: Codec,
        *,
        project_ids: frozenset[UUID] | None = None,
        kept: KeptResults | None = None,
    ) -> None:
        super().__init__(pool, codec, project_ids=project_ids)
        self._kept = KeptResults() if kept is None else kept
        self._known: dict[Hashable, asyncio.Future[list[TupleRow]]] = {}

    @property
    def alone(self) -> Reader:
        return self

    @property
    def keeps(self) -> bool:
        return True

    async def end(self) -> None:
        self._known = {}
        await super().end()

    async def run(self, query: Query) -> list[TupleRow]:
        key = _key(query)
        if key is None or self._is_closed:
            return await super().run(query)
        of_snapshot = self._known
        known = of_snapshot.get(key)
        if known is None:
            known = of_snapshot[key] = asyncio.get_running_loop().create_future()
            try:
                rows = await super().run(query)
            except BaseException:
                # Others who wait for these rows run the query by themselves.
                del of_snapshot[key]
                known.cancel()
                raise
            known.set_result(rows)
            return list(rows)
        await asyncio.wait((known,))
        return await self.run(query) if known.cancelled() else list(known.result())

    async def kept(
        self,
        organization_id: UUID,
        state: bytes,
        key: Hashable,
        make: Callable[[Reader], Awaitable[T]],
    ) -> T:
        """Return a result that an earlier page read, if it still holds."""
        of_snapshot = self._known
        where = {"organization": organization_id}
        ((*_, found),) = await self.run(Query(organization_id, state, where))
        if found is None:
            return await make(self)
        key = (organization_id, self.project_ids, state, key)
        kept = self._kept.find(key, found)
        if kept is not None:
            return cast("T", kept[0])
        result = await make(self)
        # A snapshot that ended meanwhile was followed by one with another state.
        if self._known is of_snapshot and not self._is_closed:
            self._kept.keep(key, found, result)
        return result


class SharedSnapshot:
    """The snapshot that several requests share, from the first read to ``close``."""

    def __init__(self) -> None:
        self._reader: RememberingReader | None = None

    def reader_of(
        self,
        pool: AsyncPool,
        codec: Codec,
        *,
        project_ids: frozenset[UUID] | None,
        kept: KeptResults | None = None,
    ) -> RememberingReader:
        """Return the one reader; all requests are of one user."""
        if self._reader is None:
            self._reader = RememberingReader(
                pool, codec, project_ids=project_ids, kept=kept
            )
        return self._reader

    async def close(self) -> None:
        """End the snapshot; each read of a later request has one of its own."""
        if self._reader is not None:
            await self._reader.close()


def _key(query: Query) -> Hashable:
    """Return the same for equal queries; None if a parameter cannot be compared."""
    key: list[Hashable] = [query.organization_id, query.text]
    for value in query.parameters.values():
        comparable = (
            tuple(cast("list[Hashable]", value)) if isinstance(value, list) else value
        )
        if not isinstance(comparable, Hashable):
            return None
        key.append(comparable)
    return tuple(key)


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
async def snapshot(
    url: str,
    name: str,
    *,
    application_name: str,
    statement_ms: int = 0,
    codec: Codec | None = None,
) -> AsyncGenerator[tuple[Reader, int]]:
    """Open a reader in one snapshot; yield it and the position of a projection.

    As long as the snapshot is open, vacuum keeps every row version that it may read.
    A statement may take ``statement_ms``, and so may a pause between two; with 0 they
    take as long as they need. ``codec`` opens sealed events, if the reader is to read
    any.
    """
    limit = f"-c statement_timeout={statement_ms}"
    pause = f"-c idle_in_transaction_session_timeout={statement_ms}"
    connection = await AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        application_name=application_name,
        options=f"-c timezone=UTC -c jit=off {limit} {pause}",
    )
    async with connection:
        await connection.execute(BEGIN)
        await connection.execute(
            sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(READER_ROLE))
        )
        row = await (await connection.execute(_POSITION, (name,))).fetchone()
        # A reader calls no other methods of a pool.
        pool = cast("AsyncPool", _SingleConnection(connection))
        reader = Reader(pool, codec or Codec())
        yield reader, 0 if row is None else row[0]
