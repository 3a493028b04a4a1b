"""The queue of tasks for the policies about videos."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import astuple
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.structs import structs

PUT_OFF_SECONDS = 5

PolicyKind = Literal["listed", "window", "missing"]

_ADD = """
INSERT INTO policy_task (position, subject, kind, organization_id, project_id,
    creator_id, correlation_id, missing_since, scrape_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (position, subject) DO NOTHING
"""
_TAKE = """
SELECT position, subject, kind, organization_id, project_id, creator_id,
       correlation_id, missing_since, scrape_id
FROM policy_task WHERE due_at <= clock_timestamp()
ORDER BY position, subject LIMIT %s
"""
_NEXT = """
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 FROM policy_task
"""
_DONE = """
DELETE FROM policy_task WHERE (position, subject) IN (
    SELECT * FROM unnest(%b::bigint[], %b::uuid[])
)
"""
_PUT_OFF = """
UPDATE policy_task SET due_at = clock_timestamp() + make_interval(secs => %s),
    failures = failures + 1
WHERE (position, subject) IN (SELECT * FROM unnest(%s::bigint[], %s::uuid[]))
"""


class PolicyTask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task for a policy, because of the event at ``position``.

    ``subject`` is the scrape that listed videos, the creator (or, if ``creator_id`` is
    null, the organization) whose window changed, or the video that is gone, as run
    ``scrape_id`` confirmed.
    """

    position: int
    subject: UUID
    kind: PolicyKind
    organization_id: UUID
    project_id: UUID | None = None
    creator_id: UUID | None = None
    correlation_id: UUID | None = None
    missing_since: datetime | None = None
    scrape_id: UUID | None = None


def add(cursor: Cursor[TupleRow], due: Sequence[PolicyTask]) -> None:
    """Add tasks, in the transaction that applies the events."""
    if due:
        cursor.executemany(_ADD, [astuple(each) for each in due])


def take(pool: Pool, limit: int) -> list[PolicyTask]:
    """Return up to ``limit`` tasks that are due now, oldest first.

    They are not locked, because a repeated task changes nothing.
    """
    with pool.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_TAKE, (limit,), prepare=True)
        return structs(PolicyTask, rows)


def next_due(pool: Pool) -> float | None:
    """Return the seconds until a task falls due, None if there is none."""
    with pool.connection() as connection:
        row = connection.execute(_NEXT, prepare=True).fetchone()
    return None if row is None else row[0]


def done(pool: Pool, due: Sequence[PolicyTask]) -> None:
    keys = ([each.position for each in due], [each.subject for each in due])
    with pool.connection() as connection:
        connection.execute(_DONE, keys)


def put_off(pool: Pool, due: Sequence[PolicyTask]) -> None:
    """Delay tasks that failed, so that the others do not wait for them."""
    keys = ([each.position for each in due], [each.subject for each in due])
    with pool.connection() as connection:
        connection.execute(_PUT_OFF, (PUT_OFF_SECONDS, *keys))
