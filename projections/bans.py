"""bans: one row for each banned handle, and the administrators' list of them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.database import AsyncPool, run_read_async
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.folds import Folds

on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.HandleBanned)
def _banned(
    event: e.HandleBanned, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(
        "INSERT INTO bans (handle, reason, created_at) "
        "VALUES (%s, %s, %s) ON CONFLICT (handle) DO NOTHING",
        (event.handle, event.reason, recorded.recorded_at),
    )


@on(e.HandleUnbanned)
def _unbanned(
    event: e.HandleUnbanned, cursor: Cursor[TupleRow], _: RecordedEvent
) -> None:
    cursor.execute("DELETE FROM bans WHERE handle = %s", (event.handle,))


class Bans:
    """Keeps the table bans."""

    name = "bans"
    version = 1
    tables = ("bans",)
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write the row of each event, one by one, because there are few of them."""
        for recorded in events:
            on.fold(recorded.event, cursor, recorded)


# As clients read it


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """A handle that may not be tracked on this installation."""

    tiktok_handle: str
    reason: str | None
    created_at: datetime


_PAGE = b"""
SELECT handle, reason, created_at FROM bans
WHERE %(after)s::text IS NULL OR handle > %(after)s
ORDER BY handle LIMIT %(limit)s
"""


async def page_of_bans(pool: AsyncPool, *, limit: int, after: str | None) -> list[Ban]:
    """Return up to ``limit`` bans after the given handle, in order of handles."""

    async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
        cursor = await connection.execute(_PAGE, {"after": after, "limit": limit})
        return await cursor.fetchall()

    rows = await run_read_async(pool, run)
    return structs(Ban, rows)
