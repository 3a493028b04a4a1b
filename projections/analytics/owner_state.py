"""Table analytics_owner_states: the newest levels of all videos of an owner.

A creator owns its videos; a video without a creator owns itself. In the metric group of
profiles a creator owns its profile, as one video with the number 0. The flags say what
the rollups were added up from, so that a change of flags can be subtracted exactly.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, timestamps, uuids
from projections.analytics.column_codec import pack_all, unpack
from projections.analytics.columns import Bits, Longs, ObservedCounts
from projections.analytics.keys import (
    NOBODY,
    OwnerKey,
    execute,
    instant_of,
    packed_keys,
    time_of,
)
from projections.analytics.levels import Levels
from projections.analytics.precision import rounded_bit
from projections.analytics.rollup_deltas import METRIC_GROUPS, MetricGroup

COUNTED = 1
BASELINE = 2
OWNED = 4
# It is in campaigns by itself, so that it has rollups of its own.
ITEM = 8

NEVER = 2**63 - 1
_AMOUNT = struct.Struct("<I")


class OwnerState(msgspec.Struct, kw_only=True):
    """The levels and flags of one owner's videos, by number in ascending order.

    ``first_at`` is the instant of each video's first observation, in microseconds since
    1970; ``last`` is the instant and position of the last snapshot. ``item_ids`` are
    those of the videos that are in campaigns by themselves; they are not stored.
    """

    organization_id: UUID
    metric_group: int
    owner: UUID
    levels: Levels
    flags: Bits
    first_at: Longs
    last: tuple[int, int] = (-NEVER, 0)
    project_id: UUID | None = None
    creator_id: UUID | None = None
    item_ids: dict[int, UUID] = msgspec.field(default_factory=dict[int, UUID])

    @property
    def key(self) -> tuple[UUID, int, UUID]:
        return self.organization_id, self.metric_group, self.owner

    @property
    def subjects(self) -> tuple[UUID | None, UUID | None]:
        """Return the creator and the project whose rollups its videos count in."""
        return self.creator_id, self.project_id

    @property
    def video_numbers(self) -> Longs:
        return self.levels.video_numbers

    def with_video_numbers(self, video_numbers: Longs) -> None:
        """Add videos that were not observed before."""
        if np.array_equal(video_numbers, self.video_numbers):
            return
        new = np.setdiff1d(video_numbers, self.video_numbers)
        if not len(new):
            return
        counters = len(self.levels.counts)
        fresh = Levels.nothing(new, counters=counters)
        whole = np.concatenate((self.video_numbers, new))
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

    def without(self, video_numbers: Longs) -> None:
        """Remove videos."""
        stays = ~np.isin(self.video_numbers, video_numbers)
        levels = self.levels
        self.levels = Levels(
            levels.video_numbers[stays], levels.counts[:, stays], levels.unknown[stays]
        )
        self.flags = self.flags[stays]
        self.first_at = self.first_at[stays]


def packed(states: Sequence[OwnerState]) -> list[bytes]:
    """Return the states as the bytes of their rows."""
    levels = [state.levels for state in states]
    known = pack_all(
        [ObservedCounts(one.video_numbers, one.counts, one.unknown) for one in levels]
    )
    return [
        b"".join(
            (
                _AMOUNT.pack(len(state.video_numbers)),
                state.first_at.astype("<i8").tobytes(),
                state.flags.tobytes(),
                of_levels,
            )
        )
        for state, of_levels in zip(states, known, strict=True)
    ]


def empty_owner_state(
    organization_id: UUID, metric_group: int, owner: UUID, *, counters: int
) -> OwnerState:
    """Return the state of an owner without observations."""
    nothing = np.empty(0, np.int64)
    return OwnerState(
        organization_id=organization_id,
        metric_group=metric_group,
        owner=owner,
        levels=Levels.nothing(nothing, counters=counters),
        flags=np.empty(0, np.uint8),
        first_at=nothing,
    )


def unpacked_state(
    organization_id: UUID,
    metric_group: int,
    owner: UUID,
    packed: bytes,
    *,
    last: tuple[int, int],
    counters: int,
    project_id: UUID | None,
    creator_id: UUID | None,
) -> OwnerState:
    """Return the state in a row."""
    (amount,) = _AMOUNT.unpack_from(packed)
    flags_at = _AMOUNT.size + 8 * amount
    first_at = np.frombuffer(packed, "<i8", amount, _AMOUNT.size).astype(np.int64)
    flags = np.frombuffer(packed, np.uint8, amount, flags_at).copy()
    observed = unpack([packed[flags_at + amount :]], counters=counters)
    return OwnerState(
        organization_id=organization_id,
        metric_group=metric_group,
        owner=owner,
        levels=Levels(observed.video_numbers, observed.counts, observed.missing),
        flags=flags,
        first_at=first_at,
        last=last,
        project_id=project_id,
        creator_id=creator_id,
    )


class CountedLevel(NamedTuple):
    """A counter of counted videos or of a profile: the sum, and of how many levels."""

    level: int = 0
    known: int = 0
    rounded: int = 0


def counted_level(
    packed: bytes, counter: int, *, metric_group: MetricGroup
) -> CountedLevel:
    """Return a counter of what counts in a packed state."""
    (amount,) = _AMOUNT.unpack_from(packed)
    flags_at = _AMOUNT.size + 8 * amount
    flags = np.frombuffer(packed, np.uint8, amount, flags_at)
    observed = unpack([packed[flags_at + amount :]], counters=metric_group.counters)
    is_in = (flags & COUNTED != 0) & (observed.missing >> counter & 1 == 0)
    is_rounded = is_in[:0]
    if metric_group.has_precision:
        is_rounded = is_in & (observed.missing & rounded_bit(counter) != 0)
    return CountedLevel(
        # Python's own numbers, which no sum is too large for.
        sum(observed.counts[counter][is_in].tolist()),
        int(np.count_nonzero(is_in)),
        int(np.count_nonzero(is_rounded)),
    )


def load_owner_states(
    cursor: Cursor[TupleRow], keys: Iterable[OwnerKey]
) -> dict[OwnerKey, OwnerState]:
    """Return these owners' states, as far as there are any."""
    requested = list(keys)
    if not requested:
        return {}
    rows = execute(
        cursor,
        """
        SELECT o, f, w, project_id, creator_id, observed_at, position, state
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS requested (o, f, w)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_owner_states
            WHERE organization_id = o AND metric_group = f AND owner = w LIMIT 1
        ) found
        """,
        *packed_keys(requested),
    )
    return {
        (row[0], row[1], row[2]): unpacked_state(
            row[0],
            row[1],
            row[2],
            row[7],
            last=(instant_of(row[5]), row[6]),
            counters=METRIC_GROUPS[int(row[1])].counters,
            project_id=row[3],
            creator_id=row[4],
        )
        for row in rows
    }


def save_owner_states(cursor: Cursor[TupleRow], states: Sequence[OwnerState]) -> None:
    """Insert the states, or replace those of the same owners."""
    if not states:
        return
    execute(
        cursor,
        """
        INSERT INTO analytics_owner_states (organization_id, metric_group, owner,
            project_id, creator_id, observed_at, position, state)
        SELECT o, f, w, nullif(j, %s), nullif(c, %s), a, p, b
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::uuid[],
            %b::timestamptz[], %b::bigint[], %b::bytea[])
            AS input (o, f, w, j, c, a, p, b)
        ON CONFLICT (organization_id, metric_group, owner) DO UPDATE SET
            project_id = excluded.project_id, creator_id = excluded.creator_id,
            observed_at = excluded.observed_at, position = excluded.position,
            state = excluded.state
        """,
        NOBODY,
        NOBODY,
        *packed_keys([state.key for state in states]),
        uuids([state.project_id or NOBODY for state in states]),
        uuids([state.creator_id or NOBODY for state in states]),
        timestamps([time_of(state.last[0]) for state in states]),
        bigints([state.last[1] for state in states]),
        blobs(packed(states)),
    )


def delete_owner_state(cursor: Cursor[TupleRow], key: OwnerKey) -> None:
    """Delete the state of an owner without snapshots."""
    query = """
    DELETE FROM analytics_owner_states WHERE organization_id = %s AND metric_group = %s
    AND owner = %s
    """
    execute(cursor, query, *key)
