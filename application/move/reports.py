"""The reports about a creator, which stop when the creator moves."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.notifications.news import notify
from domain.events import ReportChanged
from infra.eventstore.store import RecordedEvent

_POSITIONS: LiteralString = """
SELECT coalesce((SELECT position FROM projection WHERE name = 'reports'), 0),
       coalesce((SELECT max(notification_id) FROM goatherd_events), 0)
"""
_ABOUT: LiteralString = """
SELECT id FROM reports WHERE organization_id = %s AND scope_type = 'creator'
AND scope_id = %s AND removed_at IS NULL ORDER BY id
"""
_MADE: LiteralString = """
SELECT originator_id FROM goatherd_events
WHERE notification_id > %(since)s AND notification_id <= %(until)s
AND topic = 'report_made' AND position(%(creator)s in state) > 0
"""


class FoundReports(Struct, frozen=True, kw_only=True):
    """The reports about a creator as of a position."""

    ids: Sequence[UUID]
    position: int


def reports_about(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> FoundReports:
    """Return the reports about a creator, also those that the read model lacks."""
    row = cursor.execute(_POSITIONS).fetchone()
    known, head = row or (0, 0)
    found = cursor.execute(_ABOUT, (organization_id, creator_id)).fetchall()
    late = reports_made(cursor, creator_id, since=known, until=head)
    ids = dict.fromkeys([*(each[0] for each in found), *late])
    return FoundReports(ids=[*ids], position=head)


def reports_made(
    cursor: Cursor[TupleRow], creator_id: UUID, *, since: int, until: int
) -> list[UUID]:
    """Return the reports that were made about the creator between two positions."""
    params = {"since": since, "until": until, "creator": str(creator_id).encode()}
    return [row[0] for row in cursor.execute(_MADE, params)]


def tell_of_stopped(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Let the bell tell people who see all projects which reports a move stopped."""
    for recorded in events:
        if isinstance(recorded.event, ReportChanged):
            notify(
                cursor,
                recorded.event.organization_id,
                kind="report",
                severity="warning",
                title="A report stopped, because its creator moved to another project",
                path=f"/reports/{recorded.stream}",
            )
