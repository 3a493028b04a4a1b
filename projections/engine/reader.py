"""Reads one organization's rows of read models, once they have reached a position."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database import LIMITED_ROLE, AsyncPool, run_read_async
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent, open_envelopes

PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.003

# The setting ends with the pipeline's implicit transaction, so the pool gets the
# connection back without it.
_SET_ORGANIZATION = b"SELECT set_config('goatherd.organization_id', %s, true)"
# The policies of the role show the rows of these projects alone. An index that is in
# memory has the project of a row. PostgreSQL avoids plans that read many rows at once
# unless pages cost as little as they do in memory.
_SET_PROJECTS = f"""
SELECT set_config('goatherd.organization_id', %s, true),
       set_config('goatherd.project_ids', %s, true),
       set_config('role', '{LIMITED_ROLE}', true),
       set_config('seq_page_cost', '0.1', true),
       set_config('random_page_cost', '0.1', true)
""".encode()
# A prepared statement is planned for one role, so each role has its own.
_FOR_LIMITED = b"\n-- limited"
_POSITION = b"SELECT position FROM projection WHERE name = %(name)s"
T = TypeVar("T")
Statement = tuple[bytes, Sequence[object]]


class Query(NamedTuple):
    """A query of one organization's rows, or of public rows without an organization.

    It sees the rows of these projects, or of all projects for None.
    """

    organization_id: UUID | None
    text: bytes
    parameters: Mapping[str, object]
    project_ids: frozenset[UUID] | None = None

    @property
    def as_whom(self) -> Sequence[Statement]:
        """Return the statements that must precede it in its transaction."""
        if self.organization_id is None:
            return ()
        organization = str(self.organization_id)
        if self.project_ids is None:
            return ((_SET_ORGANIZATION, (organization,)),)
        projects = f"{{{','.join(sorted(map(str, self.project_ids)))}}}"
        return ((_SET_PROJECTS, (organization, projects)),)

    def limited_to(self, project_ids: frozenset[UUID]) -> "Query":
        """Return the query for a reader who may see these projects alone."""
        return Query(
            self.organization_id, self.text + _FOR_LIMITED, self.parameters, project_ids
        )


async def rows_of(
    connection: AsyncConnection[TupleRow],
    queries: Sequence[Query],
    *,
    after: Sequence[Statement],
) -> list[list[TupleRow]]:
    """Run queries after other statements, with one round trip to the server."""
    cursors = [connection.cursor(binary=True) for _ in queries]
    if not after and len(queries) == 1:
        await cursors[0].execute(queries[0].text, queries[0].parameters, prepare=True)
        return [await cursors[0].fetchall()]
    async with connection.pipeline():
        for statement, values in after:
            await connection.execute(statement, values)
        for cursor, query in zip(cursors, queries, strict=True):
            await cursor.execute(query.text, query.parameters, prepare=True)
    return [await cursor.fetchall() for cursor in cursors]


class ProjectionBehindError(Exception):
    """The read model did not reach a position in time.

    Its own position stays secret, because it shows how much other organizations do.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has not caught up with that position yet; retry in a moment."
        )


class Reader:
    """Queries read models with the role that row-level security applies to.

    ``codec`` decodes events, and opens sealed ones. Each read has a snapshot of its
    own. Every read sees the projects ``project_ids`` alone, or all of them for None.
    """

    def __init__(
        self,
        pool: AsyncPool,
        codec: Codec,
        *,
        project_ids: frozenset[UUID] | None = None,
    ) -> None:
        self._pool = pool
        self._codec = codec
        self.project_ids = project_ids

    @property
    def alone(self) -> "Reader":
        """Return the reader for an answer with a single read.

        It saves a round trip, because it does not begin and end a snapshot.
        """
        return self

    async def rows(
        self,
        organization_id: UUID,
        query: bytes,
        parameters: Mapping[str, object] | None = None,
        /,
        **more: object,
    ) -> list[TupleRow]:
        """Run a query that sees the rows of one organization only.

        Its parameter ``organization`` need not be given.
        """
        where = {"organization": organization_id, **(parameters or {}), **more}
        return await self.run(Query(organization_id, query, where))

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

        The page begins after the row with the sort value and the id in ``after``.
        """
        value, last_id = after or (None, None)
        where = {"value": value, "last_id": last_id, "limit": limit}
        return await self.rows(organization_id, query, parameters, **where)

    async def opened(self, rows: Sequence[TupleRow]) -> list[RecordedEvent]:
        """Return rows of the log as recorded events, as ``open_envelopes`` does."""
        # Opening may read keys from the database.
        return await asyncio.to_thread(open_envelopes, rows, self._codec)

    async def decoded(self, decode: Callable[[Codec], T]) -> T:
        """Return the result of a function that decodes rows of the log."""
        # Decoding may read keys from the database.
        return await asyncio.to_thread(decode, self._codec)

    async def position(self, name: str) -> int:
        """Return the position that a projection has reached, 0 before it began."""
        rows = await self.run(Query(None, _POSITION, {"name": name}))
        return rows[0][0] if rows else 0

    async def side_by_side(self) -> None:
        """Let further reads of this answer run at the same time."""

    @property
    def keeps(self) -> bool:
        """Return whether ``kept`` may find results of earlier answers."""
        return False

    async def kept(
        self,
        organization_id: UUID,
        state: bytes,
        key: Hashable,
        make: "Callable[[Reader], Awaitable[T]]",
    ) -> T:
        """Return what ``make`` returns, or what it returned for an earlier page.

        Pages keep results that depend on ``key``, on the projects that the reader may
        see and on one read model, but neither on the time nor on other tables. Nobody
        may change a result. ``state`` is a query with the parameter ``organization``.
        The last column of its one row is a text that differs as soon as rows of the
        organization in that read model differ, or null if that is unknown.
        """
        del organization_id, state, key
        return await make(self)

    async def end(self) -> None:
        """End the snapshot, if there is one; the next read sees newer data."""

    async def wait_for(
        self,
        name: str,
        position: int,
        *,
        unless: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Return once the projection has reached ``position``.

        If ``unless`` returns true, there is no wait.

        Raises:
            ProjectionBehindError: the projection did not reach it within two seconds.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            if await self.position(name) >= position:
                return
            if unless is not None:
                if await unless():
                    return
                unless = None
            if time.monotonic() >= deadline:
                raise ProjectionBehindError(name)
            await self.end()
            await asyncio.sleep(_POLL_SECONDS)

    async def run(self, query: Query) -> list[TupleRow]:
        query = self._limited(query)

        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            return (await rows_of(connection, [query], after=query.as_whom))[0]

        return await run_read_async(self._pool, run)

    def _limited(self, query: Query) -> Query:
        if self.project_ids is None or query.organization_id is None:
            return query
        return query.limited_to(self.project_ids)


def newest_first(time_column: str, id_column: str = "id") -> str:
    """Return the end of a query for a page, after one more condition."""
    return f"""
AND (%(value)s::timestamptz IS NULL
     OR ({time_column}, {id_column}) < (%(value)s, %(last_id)s))
ORDER BY {time_column} DESC, {id_column} DESC LIMIT %(limit)s
"""
