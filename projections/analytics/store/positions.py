"""Table analytics_positions: the newest folded event of each organization."""

from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, uuids
from infra.eventstore.store import RecordedEvent
from projections.analytics.store.statements import execute
from projections.engine.reader import Reader

T = TypeVar("T")

_SAVE = """
INSERT INTO analytics_positions AS held (organization_id, position)
SELECT * FROM unnest(%b::uuid[], %b::bigint[]) AS input (o, p) ORDER BY o
ON CONFLICT (organization_id)
DO UPDATE SET position = greatest(held.position, excluded.position)
"""
POSITION_AND_STATE = b"""
SELECT coalesce(
    (SELECT position FROM analytics_positions
     WHERE organization_id = %(organization)s),
    (SELECT own.position FROM projection, goatherd_own_event(projection.position) own
     WHERE projection.name = 'analytics'),
    0),
    (SELECT concat_ws('/', pg_postmaster_start_time(), tableoid, xmin, position)
     FROM analytics_positions WHERE organization_id = %(organization)s)
"""
"""The query of an organization's position, and of the state of its rows.

The state changes with every transaction that writes rows of the organization, even with
one that repeats old events, because each writes the row of its position anew. A rebuild
changes the table. Another server, such as a standby that takes over, may give the same
number to another transaction, but was started at another time. An organization without
a row has had no event since the table is there: its state is null.
"""


def save_positions(cursor: Cursor[TupleRow], events: Iterable[RecordedEvent]) -> None:
    """Save the newest folded position of each organization.

    The row is written anew even if the position stays.
    """
    newest: dict[UUID, int] = {}
    for recorded in events:
        # Events of projects are in the stream of their organization.
        event: Any = recorded.event
        organization_id: UUID = getattr(event, "organization_id", recorded.stream)
        newest[organization_id] = max(newest.get(organization_id, 0), recorded.position)
    if newest:
        execute(cursor, _SAVE, uuids([*newest]), bigints([*newest.values()]))


async def kept_numbers(
    reader: Reader,
    organization_id: UUID,
    key: tuple[Hashable, ...],
    make: Callable[[Reader], Awaitable[T]],
) -> T:
    """Return what ``make`` reads from analytics alone, as ``Reader.kept`` does.

    Pages keep it until a row of the organization changes.
    """
    return await reader.kept(organization_id, POSITION_AND_STATE, key, make)
