"""Adds the stored rollups of creators and videos to those of what they are in."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, uuids
from projections.analytics.keys import execute, packed_pairs
from projections.analytics.rollup_deltas import METRIC_GROUPS, PRECISION, Rollup

_ROLLUPS = [*(metric_group.rollup for metric_group in METRIC_GROUPS), PRECISION]


class RollupMove(NamedTuple):
    """The rollups of a creator or video, added to a subject's or with -1 subtracted."""

    organization_id: UUID
    subject: UUID
    member: UUID
    sign: int


def move_rollups(cursor: Cursor[TupleRow], moves: Sequence[RollupMove]) -> None:
    """Add the stored rollups of members to those of subjects, or subtract them.

    A subject is a campaign or a project. What it has besides stays.
    """
    if not moves:
        return
    for rollup in _ROLLUPS:
        _move(cursor, rollup, moves)
        if any(move.sign < 0 for move in moves):
            _delete_empty(cursor, rollup, moves)


def _move(
    cursor: Cursor[TupleRow], rollup: Rollup, moves: Sequence[RollupMove]
) -> None:
    columns = rollup.columns
    names = ", ".join(("organization_id", "id", "slot", *columns))
    sums = ", ".join(f"sum(sign * {name})" for name in columns)
    added = ", ".join(f"{name} = held.{name} + excluded.{name}" for name in columns)
    is_any = " OR ".join(f"sum(sign * {name}) <> 0" for name in columns)
    execute(
        cursor,
        f"""
        INSERT INTO {rollup.table} AS held ({names})
        SELECT o, subject, slot, {sums}
        FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[])
            AS moves (o, subject, member, sign)
        JOIN {rollup.table} ON organization_id = o AND id = member
        GROUP BY o, subject, slot HAVING {is_any} ORDER BY o, subject, slot
        ON CONFLICT (organization_id, id, slot) DO UPDATE SET {added}
        """,
        uuids([move.organization_id for move in moves]),
        uuids([move.subject for move in moves]),
        uuids([move.member for move in moves]),
        bigints([move.sign for move in moves]),
    )


def _delete_empty(
    cursor: Cursor[TupleRow], rollup: Rollup, moves: Sequence[RollupMove]
) -> None:
    # A slot without anything left must equal one that never had anything.
    subjects = {(move.organization_id, move.subject) for move in moves}
    empty = " AND ".join(f"{name} = 0" for name in rollup.columns)
    execute(
        cursor,
        f"""
        DELETE FROM {rollup.table} USING unnest(%b::uuid[], %b::uuid[]) AS moved (o, i)
        WHERE organization_id = o AND id = i AND {empty}
        """,
        *packed_pairs(subjects),
    )
