"""Table analytics_creator_moves: the moves of creators to other projects.

A project's rollups are the sums of the rollups of those creators whose numbers all
count in it. A creator that moves with all numbers takes its rollups along. The rollups
of a creator that left numbers with another project are in no project's; queries split
them between the projects.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import uuids
from projections.analytics.fold.creator_moves import CreatorMove, divided_spans
from projections.analytics.fold.entities import SubjectRow
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.store.keys import NOBODY, execute
from projections.analytics.store.rollups import RollupMove, move_rollups

_SAVE = """
INSERT INTO analytics_creator_moves
SELECT * FROM json_populate_recordset(NULL::analytics_creator_moves, %s::json)
ON CONFLICT DO NOTHING
"""
MOVE_COLUMNS = """
m.organization_id, m.creator_id, c.origin_project_id,
m.position, m.project_id, m.stays_until
"""
"""The columns of moves ``m`` of creators ``c``."""
_MOVES = f"""
SELECT {MOVE_COLUMNS}
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS c (o, id, origin_project_id)
JOIN analytics_creator_moves m ON m.organization_id = o AND m.creator_id = c.id
ORDER BY m.organization_id, m.creator_id
"""
_OWNERS = """
UPDATE analytics_owner_states s SET project_id = m.p
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS m (o, c, p)
WHERE s.organization_id = m.o AND s.owner = m.c AND s.project_id IS NOT NULL
"""


def save_moves(cursor: Cursor[TupleRow], moves: Sequence[CreatorMove]) -> None:
    """Insert the moves that are not there yet."""
    if moves:
        execute(cursor, _SAVE, msgspec.json.encode(moves).decode())


def divided_creators(
    cursor: Cursor[TupleRow], rows: Iterable[SubjectRow]
) -> set[CreatorKey]:
    """Return the creators among these that have numbers in several projects."""
    moved = [row for row in rows if row.project_position]
    if not moved:
        return set()
    found = execute(
        cursor,
        _MOVES,
        uuids([row.organization_id for row in moved]),
        uuids([row.id for row in moved]),
        uuids([row.origin_project_id or NOBODY for row in moved]),
    )
    return {key for key, _ in divided_spans(found)}


def save_and_follow_moves(
    cursor: Cursor[TupleRow],
    moves: Sequence[CreatorMove],
    before: Mapping[UUID, SubjectRow],
    after: Mapping[UUID, SubjectRow],
) -> None:
    """Insert moves, and take the stored rollups of these creators along.

    Their rows are given as they were and as they are.
    """
    if not moves:
        return
    rows = [
        (before[id_], after[id_])
        for id_ in sorted({move.creator_id for move in moves})
        if id_ in before
    ]
    were_divided = divided_creators(cursor, [was for was, _ in rows])
    save_moves(cursor, moves)
    divided = divided_creators(cursor, [row for _, row in rows])
    rollup_moves: list[RollupMove] = []
    for was, row in rows:
        key = row.organization_id, row.id
        old = None if key in were_divided else was.project_id
        new = None if key in divided else row.project_id
        if old != new:
            rollup_moves += [
                RollupMove(row.organization_id, project_id, row.id, sign)
                for project_id, sign in ((old, -1), (new, 1))
                if project_id is not None
            ]
    move_rollups(cursor, rollup_moves)
    moved = [row for was, row in rows if was.project_id != row.project_id]
    execute(
        cursor,
        _OWNERS,
        uuids([row.organization_id for row in moved]),
        uuids([row.id for row in moved]),
        uuids([row.project_id for row in moved if row.project_id]),
    )
