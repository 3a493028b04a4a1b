"""Tables of creators' sums by day and of the quarter-hours of their counted posts.

The sums are in analytics_{video,profile}_totals and _days. Observations that come in
time order go on from the totals. Where one comes late, or a video begins or stops to
count, the days from there on are summed up anew from the rollups. Each row has the
project that the creator is in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, texts, uuids, uuids_repeated
from projections.analytics.fold.columns import Longs
from projections.analytics.fold.day_sums import (
    SLOTS_A_DAY,
    CreatorSums,
    DaySums,
    SlotMoves,
    sums_after,
)
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.fold.levels import Deltas
from projections.analytics.store.creator_moves import CreatorProjects, projects_of
from projections.analytics.store.rollups import packed_numbers
from projections.analytics.store.statements import (
    NOBODY,
    Columns,
    columns_of,
    delete_rows,
    execute,
    packed_keys,
    save_rows,
)

_POST_KEYS = "unnest(%b::uuid[], %b::uuid[])"


def save_posts(
    cursor: Cursor[TupleRow],
    moved: Mapping[CreatorKey, Sequence[tuple[int, int]]],
    projects: CreatorProjects,
) -> None:
    """Add posts at their quarter-hours, or remove those with the sign -1."""
    if not moved:
        return
    keys = columns_of(moved)
    rows = execute(
        cursor,
        f"""
        SELECT organization_id, id, slots FROM {_POST_KEYS} AS requested (o, i)
        JOIN analytics_creator_posts ON organization_id = o AND id = i
        """,
        *keys,
    )
    held = {(row[0], row[1]): row[2] for row in rows}
    changed: dict[CreatorKey, str] = {}
    gone: list[CreatorKey] = []
    for key, posts in moved.items():
        amounts = Counter[int](held.get(key, ()))
        for slot, sign in posts:
            amounts[slot] += sign
        slots = sorted((+amounts).elements())
        if slots:
            changed[key] = f"{{{','.join(map(str, slots))}}}"
        elif key in held:
            gone.append(key)
    if changed:
        execute(
            cursor,
            f"""
            INSERT INTO analytics_creator_posts
                (organization_id, id, project_id, slots)
            SELECT o, i, nullif(p, '{NOBODY}'), s::int[]
            FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[])
                AS input (o, i, p, s)
            ON CONFLICT (organization_id, id) DO UPDATE
            SET project_id = excluded.project_id, slots = excluded.slots
            """,
            *columns_of(changed),
            uuids(projects_of(changed, projects)),
            texts(list(changed.values())),
        )
    if gone:
        organizations, ids = columns_of(gone)
        key = {"organization_id": organizations, "id": ids}
        delete_rows(cursor, "analytics_creator_posts", key)


_KEYS = "%b::uuid[], %b::uuid[]"


class CreatorDays(NamedTuple):
    """Sums of one creator at the ends of consecutive days, one column each."""

    key: CreatorKey
    days: Longs
    values: Deltas


LateDays = dict[CreatorKey, tuple[int, CreatorSums | None]]
"""By creator the first day whose sums changed, and the totals before."""


def save_creator_days(
    cursor: Cursor[TupleRow],
    sums: DaySums,
    moved: Mapping[CreatorKey, SlotMoves],
    projects: CreatorProjects,
) -> LateDays:
    """Add to the sums by day what moves the rollups after the last day.

    Returns the creators of which something came late or was removed.
    """
    late: LateDays = {}
    if not moved:
        return late
    held = load_totals(cursor, sums, list(moved))
    totals: dict[CreatorKey, CreatorSums] = {}
    closed: list[CreatorDays] = []
    for key, moves in moved.items():
        before = held.get(key)
        days = (moves.slots - 1) // SLOTS_A_DAY
        is_late = before is not None and int(days[0]) < before.last_day
        if is_late or (moves.observed < 0).any():
            late[key] = int(days[0]), before
            continue
        totals[key], its_days = sums_after(before, days, moves.moves)
        if len(its_days[0]):
            closed.append(CreatorDays(key, *its_days))
    save_totals(cursor, sums, totals, projects)
    save_days_of(cursor, sums, closed, projects)
    return late


def sum_up_late_days(
    cursor: Cursor[TupleRow], sums: DaySums, late: LateDays, projects: CreatorProjects
) -> None:
    """Sum up the days of these creators anew, from the rollups as they are stored."""
    if not late:
        return
    since = {
        key: day if before is None else min(day, before.last_day)
        for key, (day, before) in late.items()
    }
    opening = load_days(cursor, sums, {key: day - 1 for key, day in since.items()})
    totals: dict[CreatorKey, CreatorSums] = {}
    closed: list[CreatorDays] = []
    gone: list[tuple[UUID, int, UUID]] = []
    moved = moves_since(cursor, sums, since)
    for key, day in since.items():
        before = late[key][1]
        start = None
        if key in opening and before is not None:
            start = CreatorSums(before.first_day, day - 1, opening[key])
        rows = moved.get(key, [])
        its_days = np.empty(0, np.int64)
        if rows:
            days = np.array([row[0] for row in rows], np.int64)
            moves = np.array([row[1:] for row in rows], object).T
            totals[key], (its_days, values) = sums_after(start, days, moves)
            closed.append(CreatorDays(key, its_days, values))
        elif start is not None:
            # Nothing is left of the last days.
            last = last_observed_day(cursor, sums, key)
            totals[key] = CreatorSums(start.first_day, last, start.values)
        else:
            delete_totals(cursor, sums, key)
        if before is not None:
            stays = {*its_days.tolist()}
            begin = totals[key].last_day if key in totals and not rows else day
            gone += [
                (key[0], each, key[1])
                for each in range(max(begin, before.first_day), before.last_day)
                if each not in stays
            ]
    delete_days(cursor, sums, gone)
    save_totals(cursor, sums, totals, projects)
    save_days_of(cursor, sums, closed, projects)


def load_totals(
    cursor: Cursor[TupleRow], sums: DaySums, keys: Sequence[CreatorKey]
) -> dict[CreatorKey, CreatorSums]:
    rows = execute(
        cursor,
        f"""
        SELECT organization_id, id, first_day, last_day, {", ".join(sums.columns)}
        FROM unnest({_KEYS}) AS requested (o, i)
        JOIN {sums.totals} ON organization_id = o AND id = i
        """,
        *columns_of(keys),
    )
    return {
        (row[0], row[1]): CreatorSums(row[2], row[3], [int(n) for n in row[4:]])
        for row in rows
    }


def load_days(
    cursor: Cursor[TupleRow], sums: DaySums, days: Mapping[CreatorKey, int]
) -> dict[CreatorKey, list[int]]:
    """Return the sums at the end of one day of each creator, where there are any."""
    rows = execute(
        cursor,
        f"""
        SELECT organization_id, id, {", ".join(sums.columns)}
        FROM unnest({_KEYS}, %b::bigint[]) AS requested (o, i, d)
        JOIN {sums.days} ON organization_id = o AND id = i AND day = d
        """,
        *columns_of(days),
        bigints(list(days.values())),
    )
    return {(row[0], row[1]): [int(n) for n in row[2:]] for row in rows}


def moves_since(
    cursor: Cursor[TupleRow], sums: DaySums, since: Mapping[CreatorKey, int]
) -> dict[CreatorKey, list[list[int]]]:
    """Return what moved the sums on each observed day from one day on, in order."""
    added = ", ".join(f"sum({expression})" for expression in sums.expressions)
    rows = execute(
        cursor,
        f"""
        SELECT organization_id, id, (slot - 1) / {SLOTS_A_DAY} AS day, {added}
        FROM unnest({_KEYS}, %b::bigint[]) AS requested (o, i, s)
        CROSS JOIN LATERAL (
            SELECT * FROM {sums.rollups}
            WHERE organization_id = o AND id = i AND slot > s AND snapshots > 0
            ORDER BY slot
        ) AS rollups
        GROUP BY organization_id, id, day ORDER BY organization_id, id, day
        """,
        *columns_of(since),
        bigints([day * SLOTS_A_DAY for day in since.values()]),
    )
    found: dict[CreatorKey, list[list[int]]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append([int(n) for n in row[2:]])
    return found


def last_observed_day(cursor: Cursor[TupleRow], sums: DaySums, key: CreatorKey) -> int:
    row = execute(
        cursor,
        f"""
        SELECT (slot - 1) / {SLOTS_A_DAY} FROM {sums.metric_group.rollup_table}
        WHERE organization_id = %s AND id = %s AND snapshots > 0
        ORDER BY slot DESC LIMIT 1
        """,
        *key,
    ).fetchone()
    assert row is not None
    return row[0]


def save_totals(
    cursor: Cursor[TupleRow],
    sums: DaySums,
    totals: Mapping[CreatorKey, CreatorSums],
    projects: CreatorProjects,
) -> None:
    if totals:
        columns = np.array(
            [[o.first_day, o.last_day, *o.values] for o in totals.values()], object
        ).T
        organizations, ids = columns_of(totals)
        save_rows(
            cursor,
            sums.totals,
            {"organization_id": organizations, "id": ids},
            {
                "project_id": uuids(projects_of(totals, projects)),
                **_packed(["first_day", "last_day", *sums.columns], columns),
            },
            nullable=("project_id",),
        )


def save_days_of(
    cursor: Cursor[TupleRow],
    sums: DaySums,
    closed: Sequence[CreatorDays],
    projects: CreatorProjects,
) -> None:
    if closed:
        amounts = [len(each.days) for each in closed]
        found = projects_of([each.key for each in closed], projects)
        values = np.concatenate([each.values for each in closed], axis=1)
        save_rows(
            cursor,
            sums.days,
            {
                "organization_id": uuids_repeated([o.key[0] for o in closed], amounts),
                "day": packed_numbers(np.concatenate([each.days for each in closed])),
                "id": uuids_repeated([each.key[1] for each in closed], amounts),
            },
            {
                "project_id": uuids_repeated(found, amounts),
                **_packed(sums.columns, values),
            },
            nullable=("project_id",),
        )


def _packed(names: Sequence[str], columns: Deltas) -> Columns:
    return dict(zip(names, map(packed_numbers, columns), strict=True))


def delete_totals(cursor: Cursor[TupleRow], sums: DaySums, key: CreatorKey) -> None:
    query = f"DELETE FROM {sums.totals} WHERE organization_id = %s AND id = %s"
    execute(cursor, query, *key)


def delete_days(
    cursor: Cursor[TupleRow], sums: DaySums, gone: Sequence[tuple[UUID, int, UUID]]
) -> None:
    if gone:
        organizations, days, ids = packed_keys(gone)
        key = {"organization_id": organizations, "day": days, "id": ids}
        delete_rows(cursor, sums.days, key)
