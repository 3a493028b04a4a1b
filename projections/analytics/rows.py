"""Reads and writes rows of analytics, many in one statement, as binary arrays."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, LiteralString, cast
from uuid import UUID

import msgspec
import numpy as np
from msgspec.structs import astuple
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import (
    Packed,
    PackedDumper,
    bigints,
    sized_bigints,
    timestamps,
    uuid_numbers,
    uuids,
    uuids_repeated,
)
from projections.analytics.entities import AnalyticsVideoRow, SubjectRow
from projections.analytics.levels import Deltas
from projections.analytics.rollup_deltas import EntityKey, RollupDeltas, entity_key
from projections.engine.table import Table

_BEYOND = 2**63
_SIZED_LONG = np.dtype([("size", ">i4"), ("long", ">i8")])
END = datetime.max.replace(tzinfo=UTC)

_KEYS = "unnest(%b::uuid[], %b::uuid[])"
VIDEO_COLUMNS = """
organization_id, id, project_id, creator_id, tiktok_video_id, label, is_there,
is_counted, posted_at, changes::text, number, is_raw, is_campaign_item,
posted_exactly_at
"""

SUBJECTS = Table(SubjectRow, name="analytics_subjects")
_VIDEOS = Table(AnalyticsVideoRow, name="analytics_videos")

# The inner ORDER BY makes the planner use one index look-up for each key.
_LOAD_VIDEOS = f"""
SELECT {VIDEO_COLUMNS} FROM {_KEYS} AS requested (o, i)
CROSS JOIN LATERAL (
    SELECT * FROM analytics_videos WHERE organization_id = o AND id = i ORDER BY id
) found
"""
_KNOWN_VIDEOS = f"""
SELECT o, i FROM {_KEYS} AS requested (o, i) WHERE EXISTS (
    SELECT FROM analytics_videos WHERE organization_id = o AND id = i
)
"""
_COPY_VIDEOS: LiteralString = cast(
    "LiteralString",
    f"COPY analytics_videos ({', '.join(AnalyticsVideoRow.__struct_fields__)}) "
    "FROM STDIN (FORMAT BINARY)",
)
# The binary form of JSON is its text.
_VIDEO_TYPES = [
    *("uuid", "uuid", "uuid", "uuid", "text", "text"),
    *("bool", "bool", "timestamptz", "bytea", "int8", "bool", "bool", "timestamptz"),
]
_CHANGES = AnalyticsVideoRow.__struct_fields__.index("changes")
_POSTED_BETWEEN = f"""
SELECT {VIDEO_COLUMNS}
FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::timestamptz[])
    AS requested (o, c, earliest, latest)
CROSS JOIN LATERAL (
    SELECT * FROM analytics_videos
    WHERE organization_id = o AND creator_id = c
    AND posted_at >= earliest AND posted_at < latest ORDER BY posted_at
) found
"""


def enable_arrays(cursor: Cursor[TupleRow]) -> None:
    """Register packed arrays with a cursor, whichever connection it is from."""
    cursor.adapters.register_dumper(Packed, PackedDumper)


def load_videos(
    cursor: Cursor[TupleRow], keys: Iterable[EntityKey]
) -> dict[EntityKey, AnalyticsVideoRow]:
    """Return the stored rows of these videos."""
    requested = list(keys)
    if not requested:
        return {}
    rows = _execute(cursor, _LOAD_VIDEOS, *_packed_keys(requested))
    return {entity_key(row[0], row[1]): video_of(row) for row in rows}


def load_posted_between(
    cursor: Cursor[TupleRow], spans: Mapping[EntityKey, tuple[datetime, datetime]]
) -> dict[EntityKey, AnalyticsVideoRow]:
    """Return creators' counted videos that were posted in a span of time.

    ``spans`` has for each creator the first instant and the end, which is exclusive.
    """
    if not spans:
        return {}
    rows = _execute(
        cursor,
        _POSTED_BETWEEN,
        *_packed_keys(list(spans)),
        timestamps([span[0] for span in spans.values()]),
        timestamps([span[1] for span in spans.values()]),
    )
    return {entity_key(row[0], row[1]): video_of(row) for row in rows}


def save_videos(cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]) -> None:
    """Insert the rows, or replace those with the same key."""
    _VIDEOS.save(cursor, rows)


def known_videos(
    cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]
) -> set[tuple[UUID, UUID]]:
    """Return the keys of the videos that have a row."""
    if not rows:
        return set()
    keys = uuids([row.organization_id for row in rows]), uuids([r.id for r in rows])
    found = _execute(cursor, _KNOWN_VIDEOS, *keys).fetchall()
    return {(row[0], row[1]) for row in found}


def copy_videos(cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]) -> None:
    """COPY new rows.

    Raises:
        UniqueViolation: one of them exists.
    """
    if not rows:
        return
    with cursor.copy(_COPY_VIDEOS) as copy:
        copy.set_types(_VIDEO_TYPES)
        for row in rows:
            values = list(astuple(row))
            values[_CHANGES] = bytes(row.changes)
            copy.write_row(values)


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
    _execute(
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
        _execute(
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


def _packed_keys(keys: Sequence[EntityKey]) -> tuple[Packed, Packed]:
    return uuid_numbers([key[0] for key in keys]), uuid_numbers([k[1] for k in keys])


def _execute(cursor: Cursor[TupleRow], query: str, *values: object) -> Cursor[TupleRow]:
    return cursor.execute(cast("LiteralString", query), values, prepare=True)


def video_of(row: Sequence[Any]) -> AnalyticsVideoRow:
    """Return the row made of the values of VIDEO_COLUMNS."""
    values = dict(zip(AnalyticsVideoRow.__struct_fields__, row, strict=True))
    values["changes"] = msgspec.Raw(values["changes"].encode())
    return AnalyticsVideoRow(**values)
