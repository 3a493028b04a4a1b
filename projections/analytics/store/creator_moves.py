"""Table analytics_creator_moves, and the project that each creator is in.

A project's rollups are the sums of the rollups of those creators whose numbers all
count in it. A creator that moves with all numbers takes its rollups along. The rollups
of a creator that left numbers with another project are in no project's; queries split
them between the projects. Policies for people who are limited to some projects compare
the column project_id of creators' sums: looking each creator up in analytics_subjects
would cost them more than the sums themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import uuids
from projections.analytics.fold.creator_moves import CreatorMove, divided_spans
from projections.analytics.fold.day_sums import DAY_SUMS
from projections.analytics.fold.entities import SubjectRow
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.store.rollups import RollupMove, move_rollups
from projections.analytics.store.statements import NOBODY, execute

CreatorProjects = Mapping[UUID, UUID]
"""The project that a creator is in, by the creator's id."""
_WITH_CHANGED = """
WITH changed AS MATERIALIZED (
    SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS given (o, i, p)
)"""
_UPDATE = """
UPDATE {table} AS held SET project_id = p
FROM changed {days} WHERE held.organization_id = o AND held.id = i {of_day}
"""
# An index finds the row of a creator's day, but not all days of a creator.
_DAYS = """
JOIN {totals} AS totals ON totals.organization_id = o AND totals.id = i
CROSS JOIN generate_series(totals.first_day, totals.last_day) AS each (n)
"""


def projects_of(keys: Iterable[CreatorKey], projects: CreatorProjects) -> list[UUID]:
    """Return the projects of creators in order, ``NOBODY`` where none is known."""
    return [projects.get(creator_id, NOBODY) for _, creator_id in keys]


def known_projects(subjects: Mapping[UUID, SubjectRow]) -> CreatorProjects:
    """Return the projects of those subjects that are in one."""
    return {id_: row.project_id for id_, row in subjects.items() if row.project_id}


def follow_projects(
    cursor: Cursor[TupleRow],
    before: Mapping[UUID, SubjectRow],
    after: Mapping[UUID, SubjectRow],
) -> None:
    """Change the stored sums of creators whose project has changed."""
    held = known_projects(before)
    changed = [
        (row.organization_id, id_, row.project_id)
        for id_, row in sorted(after.items())
        if row.project_id is not None and row.project_id != held.get(id_)
    ]
    if changed:
        columns = [uuids(list(one)) for one in zip(*changed, strict=True)]
        execute(cursor, _FOLLOW, *columns)


def _follow() -> str:
    """Return the statement that changes all tables with one round trip."""
    updates = [
        _UPDATE.format(table=table, days="", of_day="")
        for table in ("analytics_creator_posts", *(sums.totals for sums in DAY_SUMS))
    ]
    for sums in DAY_SUMS:
        days = _DAYS.format(totals=sums.totals)
        updates.append(
            _UPDATE.format(table=sums.days, days=days, of_day="AND held.day = n")
        )
    *parts, last = updates
    named = [f", part_{number} AS ({part})" for number, part in enumerate(parts)]
    return f"{_WITH_CHANGED}{''.join(named)} {last}"


_FOLLOW = _follow()


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
