"""Table analytics_videos: many rows in one statement, as binary arrays."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
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
    timestamps,
    uuid_numbers,
    uuids,
)
from projections.analytics.fold.columns import Longs
from projections.analytics.fold.entities import AnalyticsVideoRow, FlaggedVideo
from projections.analytics.fold.keys import EntityKey, OwnerKey, entity_key
from projections.analytics.fold.owner_state import ITEM, OwnerState
from projections.analytics.store.statements import (
    PARTITION,
    are_copied,
    execute,
    packed_keys,
)
from projections.engine.table import Table

END = datetime.max.replace(tzinfo=UTC)

_KEYS = "unnest(%b::uuid[], %b::uuid[])"
VIDEO_COLUMNS = """
organization_id, id, project_id, creator_id, tiktok_video_id, label, is_there,
is_counted, posted_at, changes::text, number, is_raw, is_campaign_item,
posted_exactly_at
"""

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
_COLUMNS = ", ".join(AnalyticsVideoRow.__struct_fields__)
_COPY_VIDEOS: LiteralString = cast(
    "LiteralString",
    f"COPY analytics_videos ({_COLUMNS}) FROM STDIN (FORMAT BINARY)",
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
# Other slices may have stored changes of the same video. All are folded later, and a
# change that is stored twice is folded once.
_ADD = f"""
INSERT INTO analytics_videos AS held ({_COLUMNS})
SELECT {_COLUMNS} FROM json_populate_recordset(NULL::analytics_videos, %s::json)
ON CONFLICT (organization_id, id) DO UPDATE SET is_raw = true,
    changes = (left(held.changes::text, -1) || ','
        || substr(excluded.changes::text, 2))::json
"""
_RAW = f"""
SELECT {VIDEO_COLUMNS} FROM analytics_videos
WHERE is_raw AND {PARTITION.format("id")} ORDER BY organization_id, id LIMIT %s
"""
_OWN = f"""
SELECT {", ".join(FlaggedVideo.__struct_fields__)} FROM analytics_videos
WHERE organization_id = %s AND is_there
AND (creator_id = %s OR id = %s AND creator_id IS NULL)
"""
_OWN_NUMBERS = """
SELECT o, w, (
    SELECT string_agg(int8send(number), ''::bytea) FROM analytics_videos
    WHERE organization_id = o AND is_there
    AND (creator_id = w OR id = w AND creator_id IS NULL)
) FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
"""
_OF_CREATOR = """
SELECT id FROM analytics_videos
WHERE organization_id = %s AND creator_id = %s AND is_there ORDER BY id
"""


def enable_arrays(cursor: Cursor[TupleRow]) -> None:
    """Register packed arrays with a cursor."""
    cursor.adapters.register_dumper(Packed, PackedDumper)


def load_videos(
    cursor: Cursor[TupleRow], keys: Iterable[EntityKey]
) -> dict[EntityKey, AnalyticsVideoRow]:
    requested = list(keys)
    if not requested:
        return {}
    rows = execute(cursor, _LOAD_VIDEOS, *_packed_keys(requested))
    return {entity_key(row[0], row[1]): video_of(row) for row in rows}


def load_posted_between(
    cursor: Cursor[TupleRow], spans: Mapping[EntityKey, tuple[datetime, datetime]]
) -> dict[EntityKey, AnalyticsVideoRow]:
    """Return creators' counted videos that were posted in a span of time.

    ``spans`` has for each creator the first instant and the end, which is exclusive.
    """
    if not spans:
        return {}
    rows = execute(
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


def add_videos(cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]) -> None:
    """Add the changes in these rows to those that other slices of the log stored."""
    known = _known(cursor, rows)
    new = [row for row in rows if (row.organization_id, row.id) not in known]
    if are_copied(cursor, lambda: _copy(cursor, new)):
        rows = [row for row in rows if (row.organization_id, row.id) in known]
    if rows:
        execute(cursor, _ADD, msgspec.json.encode(rows).decode())


def raw_videos(
    cursor: Cursor[TupleRow], partition: int, partitions: int, *, most: int
) -> list[AnalyticsVideoRow]:
    """Return videos of a partition whose changes are not folded yet."""
    rows = execute(cursor, _RAW, partitions, partition, most)
    return [video_of(row) for row in rows]


def own_videos(
    cursor: Cursor[TupleRow], organization_id: UUID, owner: UUID
) -> list[FlaggedVideo]:
    """Return the videos of an owner that events have added."""
    rows = execute(cursor, _OWN, organization_id, owner, owner)
    return [FlaggedVideo(*row) for row in rows]


def own_numbers(
    cursor: Cursor[TupleRow], owners: Sequence[OwnerKey]
) -> dict[tuple[UUID, UUID], Longs]:
    """Return the numbers of the owners' videos that events have added."""
    organizations, _, ids = packed_keys(owners)
    return {
        (row[0], row[1]): np.frombuffer(row[2] or b"", ">i8")
        for row in execute(cursor, _OWN_NUMBERS, organizations, ids)
    }


def videos_of_creator(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> list[EntityKey]:
    """Return the keys of a creator's videos."""
    rows = execute(cursor, _OF_CREATOR, organization_id, creator_id)
    return [entity_key(organization_id, row[0]) for row in rows]


def _known(
    cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]
) -> set[tuple[UUID, UUID]]:
    """Return the keys of the videos that have a row."""
    if not rows:
        return set()
    keys = uuids([row.organization_id for row in rows]), uuids([r.id for r in rows])
    found = execute(cursor, _KNOWN_VIDEOS, *keys).fetchall()
    return {(row[0], row[1]) for row in found}


def _copy(cursor: Cursor[TupleRow], rows: Sequence[AnalyticsVideoRow]) -> None:
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


def _packed_keys(keys: Sequence[EntityKey]) -> tuple[Packed, Packed]:
    return uuid_numbers([key[0] for key in keys]), uuid_numbers([k[1] for k in keys])


def video_of(row: Sequence[Any]) -> AnalyticsVideoRow:
    """Return the row made of the values of VIDEO_COLUMNS."""
    values = dict(zip(AnalyticsVideoRow.__struct_fields__, row, strict=True))
    values["changes"] = msgspec.Raw(values["changes"].encode())
    return AnalyticsVideoRow(**values)


def load_numbered(
    cursor: Cursor[TupleRow], numbers: Iterable[tuple[UUID, int]]
) -> list[AnalyticsVideoRow]:
    """Return the videos of organizations that have these numbers."""
    requested = sorted(numbers)
    if not requested:
        return []
    rows = execute(
        cursor,
        f"""
        SELECT {VIDEO_COLUMNS} FROM unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_videos WHERE organization_id = o AND number = n
            ORDER BY id
        ) found
        """,
        uuids([one[0] for one in requested]),
        bigints([one[1] for one in requested]),
    )
    return [video_of(row) for row in rows]


def name_items(cursor: Cursor[TupleRow], states: Iterable[OwnerState]) -> None:
    """Put into states the ids of the videos that campaigns have by themselves."""
    by_owner = {
        (state.organization_id, state.owner): state
        for state in states
        if (state.flags & ITEM).any()
    }
    if not by_owner:
        return
    requested = [
        (organization_id, number)
        for (organization_id, _), state in by_owner.items()
        for number in state.video_numbers[(state.flags & ITEM) != 0].tolist()
    ]
    rows = execute(
        cursor,
        """
        SELECT organization_id, coalesce(creator_id, id), number, id
        FROM unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
        JOIN analytics_videos ON organization_id = o AND number = n
        WHERE is_campaign_item
        """,
        uuids([one[0] for one in requested]),
        bigints([one[1] for one in requested]),
    )
    for organization_id, owner, number, id_ in rows:
        if state := by_owner.get((organization_id, owner)):
            state.item_ids[number] = id_
