"""Tables analytics_*_rollups and analytics_profile_precision: sums by quarter-hour."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import (
    Packed,
    bigints,
    sized_bigints,
    uuids,
    uuids_repeated,
)
from projections.analytics.fold.levels import Deltas
from projections.analytics.fold.rollup_deltas import (
    METRIC_GROUPS,
    PRECISION,
    Rollup,
    RollupDeltas,
)
from projections.analytics.store.statements import execute, packed_pairs

_ROLLUPS = [*(metric_group.rollup for metric_group in METRIC_GROUPS), PRECISION]


class RollupMove(NamedTuple):
    """A creator or video whose rollups a subject gains, or loses with the sign -1."""

    organization_id: UUID
    subject: UUID
    member: UUID
    sign: int


def move_rollups(cursor: Cursor[TupleRow], moves: Sequence[RollupMove]) -> None:
    """Add the stored rollups of members to those of subjects, or subtract them.

    A subject is a campaign or a project. Its sums of other members stay.
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


_BEYOND = 2**63

_SIZED_LONG = np.dtype([("size", ">i4"), ("long", ">i8")])


def save_rollups(cursor: Cursor[TupleRow], rollups: RollupDeltas) -> None:
    """Add the deltas to the stored sums."""
    _save_rollup(cursor, rollups)
    if rollups.precision is not None:
        _save_rollup(cursor, rollups.precision)


def _save_rollup(cursor: Cursor[TupleRow], rollups: RollupDeltas) -> None:
    found = rollups.by_subject()
    if not found:
        return
    table, columns = rollups.rollup.table, rollups.rollup.columns
    names = ", ".join(("organization_id", "id", "slot", *columns))
    added = ", ".join(f"{name} = held.{name} + excluded.{name}" for name in columns)
    amounts = [len(one.slots) for one in found]
    keys = (
        uuids_repeated([one.organization_id for one in found], amounts),
        uuids_repeated([one.subject for one in found], amounts),
        _longs(np.concatenate([one.slots for one in found])),
    )
    columns_ = [
        packed_numbers(column)
        for column in np.concatenate([o.deltas for o in found], axis=1)
    ]
    kinds = [
        "bigint" if isinstance(column, Packed) else "numeric" for column in columns_
    ]
    input_columns = ", ".join(
        ["%b::uuid[], %b::uuid[], %b::bigint[]", *(f"%b::{kind}[]" for kind in kinds)]
    )
    execute(
        cursor,
        f"""
        INSERT INTO {table} AS held ({names})
        SELECT {names} FROM unnest({input_columns}) AS input ({names})
        ON CONFLICT (organization_id, id, slot) DO UPDATE SET {added}
        """,
        *keys,
        *columns_,
    )
    if rollups.has_removals:
        # A slot without anything left must equal one that never had anything.
        empty = " AND ".join(f"{name} = 0" for name in columns)
        execute(
            cursor,
            f"""
            DELETE FROM {table} USING
                unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS delta (o, i, n)
            WHERE organization_id = o AND id = i AND slot = n AND {empty}
            """,
            *keys,
        )


def packed_numbers(counts: Deltas) -> Packed | list[Decimal]:
    """Return numbers as bigints, or as decimals if one of them exceeds 64 bits."""
    if counts.dtype != object:
        return _longs(counts)
    whole: list[int] = counts.tolist()
    if all(-_BEYOND <= count < _BEYOND for count in whole):
        return bigints(whole)
    return [Decimal(count) for count in whole]


def _longs(counts: Deltas) -> Packed:
    sized = np.empty(len(counts), _SIZED_LONG)
    sized["size"], sized["long"] = 8, counts
    return sized_bigints(sized.tobytes(), len(counts))
