"""bans: one row a banned handle, for the administrators' list."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.store import Recorded


class Bans:
    """Keeps the table bans."""

    name = "bans"
    version = 1
    facts = frozenset({"handle_banned", "handle_unbanned"})

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Write each fact's row; these facts are few."""
        for recorded in facts:
            match recorded.fact:
                case e.HandleBanned(handle=handle, reason=reason):
                    cursor.execute(
                        "INSERT INTO bans (handle, reason, created_at) "
                        "VALUES (%s, %s, %s) ON CONFLICT (handle) DO NOTHING",
                        (handle, reason, recorded.recorded_at),
                    )
                case e.HandleUnbanned(handle=handle):
                    cursor.execute("DELETE FROM bans WHERE handle = %s", (handle,))
                case _:
                    pass
