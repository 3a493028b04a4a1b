"""Table analytics_positions: the newest folded event of each organization."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, uuids
from infra.eventstore.store import RecordedEvent
from projections.analytics.store.keys import execute

_SAVE = """
INSERT INTO analytics_positions AS held (organization_id, position)
SELECT * FROM unnest(%b::uuid[], %b::bigint[]) AS input (o, p) ORDER BY o
ON CONFLICT (organization_id) DO UPDATE SET position = excluded.position
WHERE held.position < excluded.position
"""


def save_positions(cursor: Cursor[TupleRow], events: Iterable[RecordedEvent]) -> None:
    """Save the newest folded position of each organization."""
    newest: dict[UUID, int] = {}
    for recorded in events:
        # Events of projects are in the stream of their organization.
        event: Any = recorded.event
        organization_id: UUID = getattr(event, "organization_id", recorded.stream)
        newest[organization_id] = max(newest.get(organization_id, 0), recorded.position)
    if newest:
        execute(cursor, _SAVE, uuids([*newest]), bigints([*newest.values()]))
