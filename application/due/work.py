"""The table of due work: each row is taken by one worker, which finishes it once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor

from application.due.holder import HOLDERS
from infra.database import Pool

_PLAN: LiteralString = """
INSERT INTO due_work (kind, key, due_at, not_before)
VALUES (%(kind)s, %(key)s, %(due_at)s, %(due_at)s)
ON CONFLICT (kind, key) DO
"""
# Rows are added in one order, so that two transactions never wait for each other.
_PLAN_NOW: LiteralString = """
INSERT INTO due_work (kind, key, due_at, not_before)
SELECT %s, key, clock_timestamp(), clock_timestamp()
FROM unnest(%s::text[]) AS planned (key) ORDER BY key
ON CONFLICT (kind, key) DO NOTHING
"""
_MOVE: LiteralString = f"""{_PLAN} UPDATE SET due_at = excluded.due_at,
    not_before = excluded.due_at, lease = NULL, tries = 0
"""
_SOONER: LiteralString = f"""{_PLAN} UPDATE SET due_at = excluded.due_at,
    not_before = excluded.due_at, lease = NULL, tries = 0
WHERE due_work.lease IS NOT NULL
OR due_work.tries = 0 AND due_work.due_at > excluded.due_at
"""
_CANCEL: LiteralString = "DELETE FROM due_work WHERE kind = %s AND key = %s"
# A worker may take the row. A lease ends with its time, and with the process that holds
# the advisory lock of its number.
IS_FREE: LiteralString = f"""
(not_before <= clock_timestamp()
 OR lease IS NOT NULL AND pg_try_advisory_xact_lock({HOLDERS}, holder))
"""
# A crash of the server may undo the last leases, which ends them; so a lease need not
# wait for the disk.
_TAKE: LiteralString = f"""
WITH quietly AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
)
UPDATE due_work SET lease = gen_random_uuid(), tries = tries + 1,
    holder = %(holder)s, not_before = clock_timestamp() + %(lease)s
FROM quietly WHERE kind = %(kind)s AND key = (
    SELECT key FROM due_work WHERE kind = %(kind)s AND due_at <= clock_timestamp()
    AND (%(key)s::text IS NULL OR key = %(key)s) AND {IS_FREE}
    ORDER BY due_at, key LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING key, due_at, tries, lease, clock_timestamp()
"""  # noqa: S608 - constants only
_END: LiteralString = """
DELETE FROM due_work
WHERE kind = %(kind)s AND key = %(key)s AND lease = %(lease)s
"""
_GO_ON: LiteralString = """
UPDATE due_work SET due_at = %(due_at)s, not_before = %(due_at)s, lease = NULL,
    tries = 0
WHERE kind = %(kind)s AND key = %(key)s AND lease = %(lease)s
"""
_RENEW: LiteralString = """
UPDATE due_work SET not_before = clock_timestamp() + %(for)s
WHERE kind = %(kind)s AND key = %(key)s AND lease = %(lease)s
"""
_PUT_OFF: LiteralString = """
UPDATE due_work SET lease = NULL,
    not_before = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE kind = %(kind)s AND key = %(key)s AND lease = %(lease)s
"""


# Another process may end with its lease at any time.
_NEXT: LiteralString = """
SELECT extract(epoch FROM min(
    CASE WHEN lease IS NULL THEN not_before ELSE clock_timestamp() END
) - clock_timestamp())::float8
FROM due_work WHERE kind = %s
"""
# Planned and moved work notifies this channel.
NOTICES: LiteralString = "goatherd_due"


class WorkLostError(Exception):
    """Another worker took the work, or somebody moved or cancelled it, meanwhile."""


class DueWork(Struct, frozen=True, kw_only=True):
    """Work that one worker took; ``tries`` counts this try.

    ``due_at`` is the time of its turn, and ``taken_at`` the database's present.
    """

    kind: str
    key: str
    due_at: datetime
    tries: int
    lease: UUID
    taken_at: datetime


def plan_work(cursor: Cursor[Any], kind: str, key: str, *, due_at: datetime) -> None:
    """Let work fall due, once the transaction of ``cursor`` is committed.

    Planned work of the same kind and key moves to the new time, and a worker that does
    it at this moment can't finish it.
    """
    cursor.execute(_MOVE, {"kind": kind, "key": key, "due_at": due_at})


def plan_now(cursor: Cursor[Any], kind: str, keys: Sequence[str]) -> None:
    """Let works be due now; those that are planned or done already stay as they are."""
    if keys:
        cursor.execute(_PLAN_NOW, (kind, [*keys]))


def plan_sooner(cursor: Cursor[Any], kind: str, key: str, *, due_at: datetime) -> None:
    """Let work fall due at a time, unless it is planned for an earlier one.

    Work that is done at this moment is done again. Work that failed keeps its wait.
    """
    cursor.execute(_SOONER, {"kind": kind, "key": key, "due_at": due_at})


def cancel_work(cursor: Cursor[Any], kind: str, key: str) -> None:
    """Cancel planned work; a worker that does it at this moment can't finish it."""
    cursor.execute(_CANCEL, (kind, key))


def take_work(
    pool: Pool,
    kind: str,
    *,
    lease: timedelta,
    key: str | None = None,
    holder: int | None = None,
) -> DueWork | None:
    """Take the work of a kind that fell due first, or that of a key; None if none is.

    If it is neither finished nor put off before the lease ends, another worker takes
    it. A lease with the number of a ``holder`` also ends with the holder's process.
    """
    params = {"kind": kind, "key": key, "lease": lease, "holder": holder}
    with pool.connection() as connection:
        row = connection.execute(_TAKE, params).fetchone()
    if row is None:
        return None
    taken, due_at, tries, token, taken_at = row
    return DueWork(
        kind=kind, key=taken, due_at=due_at, tries=tries, lease=token, taken_at=taken_at
    )


def next_due(pool: Pool, kind: str) -> float | None:
    """Return the seconds until work of a kind falls due, None if none is planned.

    Work that somebody does at this moment counts as due.
    """
    with pool.connection() as connection:
        row = connection.execute(_NEXT, (kind,), prepare=True).fetchone()
    return None if row is None else row[0]


def finish_work(
    cursor: Cursor[Any], work: DueWork, *, next_at: datetime | None
) -> None:
    """Finish a turn in the transaction of ``cursor``, and plan the next one.

    The transaction's other changes happen once for each turn, also if workers are
    killed.

    Raises:
        WorkLostError: the work is no longer this worker's.
    """
    params = {**_own(work), "due_at": next_at}
    cursor.execute(_END if next_at is None else _GO_ON, params)
    if cursor.rowcount == 0:
        msg = f"{work.kind} {work.key}"
        raise WorkLostError(msg)


def renew_lease(cursor: Cursor[Any], work: DueWork, *, lease: timedelta) -> None:
    """Let the lease of a worker that goes on last from now on.

    A turn with several effects elsewhere calls this before each of them, so that its
    lease need only be longer than one.

    Raises:
        WorkLostError: the work is no longer this worker's.
    """
    cursor.execute(_RENEW, {**_own(work), "for": lease})
    if cursor.rowcount == 0:
        msg = f"{work.kind} {work.key}"
        raise WorkLostError(msg)


def put_off_work(pool: Pool, work: DueWork, *, seconds: float) -> None:
    """Give work back, to be tried again after some seconds."""
    with pool.connection() as connection:
        connection.execute(_PUT_OFF, {**_own(work), "seconds": seconds})


def _own(work: DueWork) -> dict[str, object]:
    return {"kind": work.kind, "key": work.key, "lease": work.lease}
