"""analytics_looks: what was seen, in and out of its rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, texts, timestamps, uuids
from projections.analytics.column_codec import pack_all, unpack
from projections.analytics.columns import Longs, Observations, Seen
from projections.analytics.keys import (
    NOBODY,
    HerdKey,
    Moment,
    execute,
    instant_of,
    moment_of,
    packed_keys,
)
from projections.analytics.rollup_deltas import FAMILIES

_LOOKS = """
SELECT observed_at, position, creator_id, scrape_id, provider, recorded_at, seen
FROM analytics_looks
WHERE organization_id = %s AND family = %s AND owner = %s
"""


_COPY = """
COPY analytics_looks (organization_id, family, owner, observed_at, position, creator_id,
    scrape_id, provider, recorded_at, seen) FROM STDIN (FORMAT BINARY)
"""
_COPY_TYPES = [
    *("uuid", "int2", "uuid", "timestamptz", "int8", "uuid"),
    *("uuid", "text", "timestamptz", "bytea"),
]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot saw of one owner's things; ``creator_id`` is whom it was of."""

    organization_id: UUID
    family: int
    owner: UUID
    observed_at: datetime
    position: int
    creator_id: UUID | None
    scrape_id: UUID
    provider: str
    recorded_at: datetime
    seen: Seen

    @property
    def key(self) -> HerdKey:
        return self.organization_id, self.family, self.owner

    @property
    def is_kept(self) -> bool:
        """Tell whether it is worth a row: an empty one only says who was looked at."""
        return len(self.seen) > 0 or self.creator_id == self.owner

    @property
    def moment(self) -> Moment:
        return instant_of(self.observed_at), self.position


def together(looks: Sequence[Look], *, counters: int) -> Observations:
    """Return all that the looks saw, in their order."""
    if not looks:
        return unpack([], counters=counters)
    sizes = [len(look.seen) for look in looks]
    first = looks[0].seen.things
    is_alike = all(
        look.seen.things is first or np.array_equal(look.seen.things, first)
        for look in looks
    )
    return Observations(
        np.concatenate([look.seen.things for look in looks]),
        np.repeat(np.arange(len(looks)), sizes),
        np.concatenate([look.seen.counts for look in looks], axis=1),
        np.concatenate([look.seen.missing for look in looks]),
        alike=len(first) if is_alike else 0,
    )


def by_moment(looks: Sequence[Look]) -> list[Look]:
    """Return one owner's looks in order, what was seen at one moment together."""
    found: dict[Moment, Look] = {}
    for look in looks:
        held = found.get(look.moment)
        found[look.moment] = (
            look
            if held is None
            else msgspec.structs.replace(held, seen=held.seen.and_(look.seen))
        )
    return [found[moment] for moment in sorted(found)]


def instants_of(looks: Sequence[Look]) -> Longs:
    """Return when each was, in microseconds since 1970."""
    return np.array([instant_of(look.observed_at) for look in looks], np.int64)


def load_looks(
    cursor: Cursor[TupleRow],
    key: HerdKey,
    *,
    since: int,
    after: Moment | None = None,
    most: int | None = None,
) -> list[Look]:
    """Return an owner's looks from an instant on, in order."""
    query = f"{_LOOKS} AND observed_at >= %s AND (observed_at, position) > (%s, %s) "
    query += "ORDER BY observed_at, position LIMIT %s"
    begin = moment_of(since)
    rest = (begin, -1) if after is None else (moment_of(after[0]), after[1])
    rows = execute(cursor, query, *key, begin, *rest, most)
    return _looks_of(key, rows.fetchall())


def load_seen(
    cursor: Cursor[TupleRow], key: HerdKey, *, after: Moment, most: int
) -> tuple[list[Moment], list[bytes]]:
    """Return the moments of an owner's next looks, and what they saw, packed."""
    rows = execute(
        cursor,
        """
        SELECT observed_at, position, seen FROM analytics_looks
        WHERE organization_id = %s AND family = %s AND owner = %s
        AND (observed_at, position) > (%s, %s)
        ORDER BY observed_at, position LIMIT %s
        """,
        *key,
        moment_of(after[0]),
        after[1],
        most,
    ).fetchall()
    return [(instant_of(row[0]), row[1]) for row in rows], [row[2] for row in rows]


def looks_before(
    cursor: Cursor[TupleRow], key: HerdKey, instant: int
) -> Iterator[list[Look]]:
    """Yield an owner's looks before an instant, the newest first, more at a time."""
    end, size = (moment_of(instant), -1), 8
    query = f"{_LOOKS} AND (observed_at, position) < (%s, %s) "
    query += "ORDER BY observed_at DESC, position DESC LIMIT %s"
    while True:
        rows = execute(cursor, query, *key, *end, size).fetchall()
        if rows:
            yield _looks_of(key, rows)
        if len(rows) < size:
            return
        end, size = (rows[-1][0], rows[-1][1]), min(2 * size, 256)


def save_looks(cursor: Cursor[TupleRow], looks: Sequence[Look]) -> None:
    """Insert the looks, or replace what was kept of them."""
    if not looks:
        return
    execute(
        cursor,
        """
        INSERT INTO analytics_looks (organization_id, family, owner, observed_at,
            position, creator_id, scrape_id, provider, recorded_at, seen)
        SELECT o, f, w, a, p, nullif(c, %s), s, v, r, b
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::timestamptz[],
            %b::bigint[], %b::uuid[], %b::uuid[], %b::text[], %b::timestamptz[],
            %b::bytea[]) AS told (o, f, w, a, p, c, s, v, r, b)
        ON CONFLICT (organization_id, family, owner, observed_at, position)
        DO UPDATE SET seen = excluded.seen
        """,
        NOBODY,
        *packed_keys([look.key for look in looks]),
        timestamps([look.observed_at for look in looks]),
        bigints([look.position for look in looks]),
        uuids([look.creator_id or NOBODY for look in looks]),
        uuids([look.scrape_id for look in looks]),
        texts([look.provider for look in looks]),
        timestamps([look.recorded_at for look in looks]),
        blobs(pack_all([look.seen for look in looks])),
    )


def copy_looks(cursor: Cursor[TupleRow], looks: Sequence[Look]) -> None:
    """Insert the looks, none of which is there; in half the time of ``save_looks``.

    Raises:
        UniqueViolation: one is there.
    """
    packed = pack_all([look.seen for look in looks])
    with cursor.copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for look, seen in zip(looks, packed, strict=True):
            copy.write_row(
                (
                    *(look.organization_id, look.family, look.owner),
                    *(look.observed_at, look.position, look.creator_id),
                    *(look.scrape_id, look.provider, look.recorded_at, seen),
                )
            )


def delete_looks(cursor: Cursor[TupleRow], looks: Sequence[Look]) -> None:
    """Delete the looks."""
    if looks:
        execute(
            cursor,
            """
            DELETE FROM analytics_looks USING unnest(%b::uuid[], %b::bigint[],
                %b::uuid[], %b::timestamptz[], %b::bigint[]) AS gone (o, f, w, a, p)
            WHERE organization_id = o AND family = f AND owner = w
            AND observed_at = a AND position = p
            """,
            *packed_keys([look.key for look in looks]),
            timestamps([look.observed_at for look in looks]),
            bigints([look.position for look in looks]),
        )


def last_look(cursor: Cursor[TupleRow], key: HerdKey) -> Moment | None:
    """Return the moment of an owner's last look."""
    query = """
    SELECT observed_at, position FROM analytics_looks
    WHERE organization_id = %s AND family = %s AND owner = %s
    ORDER BY observed_at DESC, position DESC LIMIT 1
    """
    row = execute(cursor, query, *key).fetchone()
    return None if row is None else (instant_of(row[0]), row[1])


def _looks_of(key: HerdKey, found: Sequence[Sequence[Any]]) -> list[Look]:
    family = FAMILIES[key[1]]
    told = unpack([row[6] for row in found], counters=family.counters)
    ends = np.searchsorted(told.looks, np.arange(len(found)), side="right").tolist()
    looks: list[Look] = []
    begin = 0
    for row, end in zip(found, ends, strict=True):
        its = slice(begin, end)
        seen = Seen(told.things[its], told.counts[:, its], told.missing[its])
        begin = end
        look = Look(
            organization_id=key[0],
            family=key[1],
            owner=key[2],
            observed_at=row[0],
            position=row[1],
            creator_id=row[2],
            scrape_id=row[3],
            provider=row[4],
            recorded_at=row[5],
            seen=seen,
        )
        looks.append(look)
    return looks
