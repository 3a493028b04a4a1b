"""analytics_herds: what is known of all videos of one owner after its last look.

A creator's videos are one herd; a video of no creator is a herd of its own. A creator's
profile is a herd of one. What a herd's sums were added up from is in its flags, so a
change of them can be taken back exactly.
"""

import struct
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, timestamps, uuids
from projections.analytics.column_codec import pack_all, unpack
from projections.analytics.columns import Bits, Longs, Seen
from projections.analytics.keys import (
    NOBODY,
    HerdKey,
    execute,
    instant_of,
    moment_of,
    packed_keys,
)
from projections.analytics.levels import Levels
from projections.analytics.rollup_deltas import FAMILIES

COUNTED = 1
BASELINE = 2
OWNED = 4

NEVER = 2**63 - 1
_AMOUNT = struct.Struct("<I")


class Herd(msgspec.Struct, kw_only=True):
    """What is known of the things of one owner, by number in ascending order.

    ``first_at`` is when each was first seen, in microseconds since 1970, and ``last``
    when anything last was: a moment and a position.
    """

    organization_id: UUID
    family: int
    owner: UUID
    levels: Levels
    flags: Bits
    first_at: Longs
    last: tuple[int, int] = (-NEVER, 0)
    project_id: UUID | None = None
    creator_id: UUID | None = None

    @property
    def key(self) -> tuple[UUID, int, UUID]:
        return self.organization_id, self.family, self.owner

    @property
    def subjects(self) -> tuple[UUID | None, UUID | None]:
        """Return the creator and the project in whose sums its things are."""
        return self.creator_id, self.project_id

    @property
    def things(self) -> Longs:
        return self.levels.things

    def with_things(self, things: Longs) -> None:
        """Make room for things of which nothing is known yet."""
        if np.array_equal(things, self.things):
            return
        new = np.setdiff1d(things, self.things)
        if not len(new):
            return
        counters = len(self.levels.counts)
        fresh = Levels.nothing(new, counters=counters)
        whole = np.concatenate((self.things, new))
        order = np.argsort(whole)
        self.levels = Levels(
            whole[order],
            np.concatenate((self.levels.counts, fresh.counts), axis=1)[:, order],
            np.concatenate((self.levels.unknown, fresh.unknown))[order],
        )
        nothing = np.zeros(len(new), np.uint8)
        self.flags = np.concatenate((self.flags, nothing))[order]
        never = np.full(len(new), NEVER)
        self.first_at = np.concatenate((self.first_at, never))[order]

    def without(self, things: Longs) -> None:
        """Forget things."""
        stays = ~np.isin(self.things, things)
        levels = self.levels
        self.levels = Levels(
            levels.things[stays], levels.counts[:, stays], levels.unknown[stays]
        )
        self.flags = self.flags[stays]
        self.first_at = self.first_at[stays]


def packed(herds: Sequence[Herd]) -> list[bytes]:
    """Return the bytes that the rows of herds keep."""
    levels = [herd.levels for herd in herds]
    known = pack_all([Seen(one.things, one.counts, one.unknown) for one in levels])
    return [
        b"".join(
            (
                _AMOUNT.pack(len(herd.things)),
                herd.first_at.astype("<i8").tobytes(),
                herd.flags.tobytes(),
                of_levels,
            )
        )
        for herd, of_levels in zip(herds, known, strict=True)
    ]


def empty_herd(
    organization_id: UUID, family: int, owner: UUID, *, counters: int
) -> Herd:
    """Return a herd of which nothing has been seen."""
    nothing = np.empty(0, np.int64)
    return Herd(
        organization_id=organization_id,
        family=family,
        owner=owner,
        levels=Levels.nothing(nothing, counters=counters),
        flags=np.empty(0, np.uint8),
        first_at=nothing,
    )


def herd_of(
    organization_id: UUID,
    family: int,
    owner: UUID,
    packed: bytes,
    *,
    last: tuple[int, int],
    counters: int,
    project_id: UUID | None,
    creator_id: UUID | None,
) -> Herd:
    """Return the herd that a row keeps."""
    (amount,) = _AMOUNT.unpack_from(packed)
    flags_at = _AMOUNT.size + 8 * amount
    first_at = np.frombuffer(packed, "<i8", amount, _AMOUNT.size).astype(np.int64)
    flags = np.frombuffer(packed, np.uint8, amount, flags_at).copy()
    seen = unpack([packed[flags_at + amount :]], counters=counters)
    return Herd(
        organization_id=organization_id,
        family=family,
        owner=owner,
        levels=Levels(seen.things, seen.counts, seen.missing),
        flags=flags,
        first_at=first_at,
        last=last,
        project_id=project_id,
        creator_id=creator_id,
    )


def together(packed: bytes, counter: int, *, counters: int) -> tuple[int, int]:
    """Return what a row's counted things have of a counter: sum, and how many known."""
    (amount,) = _AMOUNT.unpack_from(packed)
    flags_at = _AMOUNT.size + 8 * amount
    flags = np.frombuffer(packed, np.uint8, amount, flags_at)
    seen = unpack([packed[flags_at + amount :]], counters=counters)
    is_in = (flags & COUNTED != 0) & (seen.missing >> counter & 1 == 0)
    # Python's own numbers, which no sum is too large for.
    return sum(seen.counts[counter][is_in].tolist()), int(np.count_nonzero(is_in))


def load_herds(
    cursor: Cursor[TupleRow], keys: Iterable[HerdKey]
) -> dict[HerdKey, Herd]:
    """Return these herds, as far as there are any."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = execute(
        cursor,
        """
        SELECT o, f, w, project_id, creator_id, observed_at, position, herd
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS wanted (o, f, w)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_herds WHERE organization_id = o AND family = f
            AND owner = w LIMIT 1
        ) found
        """,
        *packed_keys(wanted),
    )
    return {
        (row[0], row[1], row[2]): herd_of(
            row[0],
            row[1],
            row[2],
            row[7],
            last=(instant_of(row[5]), row[6]),
            counters=FAMILIES[int(row[1])].counters,
            project_id=row[3],
            creator_id=row[4],
        )
        for row in rows
    }


def save_herds(cursor: Cursor[TupleRow], herds: Sequence[Herd]) -> None:
    """Insert the herds, or replace what was kept of them."""
    if not herds:
        return
    execute(
        cursor,
        """
        INSERT INTO analytics_herds (organization_id, family, owner, project_id,
            creator_id, observed_at, position, herd)
        SELECT o, f, w, nullif(j, %s), nullif(c, %s), a, p, b
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::uuid[],
            %b::timestamptz[], %b::bigint[], %b::bytea[])
            AS told (o, f, w, j, c, a, p, b)
        ON CONFLICT (organization_id, family, owner) DO UPDATE SET
            project_id = excluded.project_id, creator_id = excluded.creator_id,
            observed_at = excluded.observed_at, position = excluded.position,
            herd = excluded.herd
        """,
        NOBODY,
        NOBODY,
        *packed_keys([herd.key for herd in herds]),
        uuids([herd.project_id or NOBODY for herd in herds]),
        uuids([herd.creator_id or NOBODY for herd in herds]),
        timestamps([moment_of(herd.last[0]) for herd in herds]),
        bigints([herd.last[1] for herd in herds]),
        blobs(packed(herds)),
    )


def delete_herd(cursor: Cursor[TupleRow], key: HerdKey) -> None:
    """Delete a herd of which nothing is kept any more."""
    query = """
    DELETE FROM analytics_herds WHERE organization_id = %s AND family = %s
    AND owner = %s
    """
    execute(cursor, query, *key)
