"""Table analytics_creator_moves: the moves of creators to other projects.

A project's rollups are the sums of those of the creators that are in it now, whatever
their videos gained elsewhere. So who moves takes its rollups along.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import uuids
from projections.analytics.campaigns.rollups import RollupMove, move_rollups
from projections.analytics.entities import SubjectRow
from projections.analytics.keys import execute

_SAVE = """
INSERT INTO analytics_creator_moves
SELECT * FROM json_populate_recordset(NULL::analytics_creator_moves, %s::json)
ON CONFLICT DO NOTHING
"""
_OWNERS = """
UPDATE analytics_owner_states s SET project_id = m.p
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS m (o, c, p)
WHERE s.organization_id = m.o AND s.owner = m.c AND s.project_id IS NOT NULL
"""


class CreatorMove(msgspec.Struct, frozen=True, kw_only=True):
    """A row: a creator is in this project from a position on."""

    organization_id: UUID
    creator_id: UUID
    position: int
    project_id: UUID


def save_moves(cursor: Cursor[TupleRow], moves: Sequence[CreatorMove]) -> None:
    """Insert the moves that are not there yet."""
    if moves:
        execute(cursor, _SAVE, msgspec.json.encode(moves).decode())


def take_rollups_along(
    cursor: Cursor[TupleRow], rows: Iterable[tuple[SubjectRow, SubjectRow]]
) -> None:
    """Move the stored rollups of creators, given as they were and as they are."""
    moved = [
        (before, after)
        for before, after in rows
        if after.project_position > before.project_position
        and before.project_id != after.project_id
    ]
    if not moved:
        return
    moves: list[RollupMove] = []
    for before, after in moved:
        for project_id, sign in ((before.project_id, -1), (after.project_id, 1)):
            if project_id is not None:
                moves.append(
                    RollupMove(after.organization_id, project_id, after.id, sign)
                )
    move_rollups(cursor, moves)
    execute(
        cursor,
        _OWNERS,
        uuids([after.organization_id for _, after in moved]),
        uuids([after.id for _, after in moved]),
        uuids([after.project_id for _, after in moved if after.project_id]),
    )
