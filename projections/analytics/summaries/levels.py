"""Levels of views of many videos, each at an instant of its own.

The levels at the end of the last UTC day before the first instant are stored; from
there on the snapshots are read, so an instant of today costs those of one day.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from uuid import UUID

import msgspec
import numpy as np

from projections.analytics.column_codec import unpack
from projections.analytics.columns import Longs
from projections.analytics.days.day_ends import day_of
from projections.analytics.keys import instant_of, time_of
from projections.analytics.rollup_deltas import VIDEOS
from projections.engine.reader import Reader

# The snapshots of so many owners are in memory at once.
_OWNERS_AT_ONCE = 50
_SECONDS_A_DAY = 86_400
_VIEWS = VIDEOS.metrics.index("views")
# One statement, so that days and snapshots are of one moment. A stored day comes before
# the snapshots after it, with the position 0.
_LEVELS = f"""
WITH requested AS (
    SELECT * FROM unnest(%(owners)s::uuid[], %(days)s::int[], %(ends)s::timestamptz[])
        AS requested (o, before, until)
), base AS MATERIALIZED (
    SELECT o, day, levels FROM requested CROSS JOIN LATERAL (
        SELECT day, levels FROM analytics_owner_days
        WHERE organization_id = %(organization)s AND owner = o AND day < before
        ORDER BY day DESC LIMIT 1
    ) found
)
SELECT o, to_timestamp((day + 1) * {_SECONDS_A_DAY}::float) AS at, 0::bigint, levels
FROM base
UNION ALL
SELECT requested.o, observed_at, position, counts
FROM requested LEFT JOIN base ON base.o = requested.o CROSS JOIN LATERAL (
    SELECT observed_at, position, counts FROM analytics_snapshots
    WHERE organization_id = %(organization)s AND metric_group = {VIDEOS.number}
    AND owner = requested.o AND observed_at <= until AND observed_at > coalesce(
        to_timestamp((day + 1) * {_SECONDS_A_DAY}::float), '-infinity')
) found
ORDER BY 1, 2, 3
""".encode()


class LevelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An owner's videos, by number, and the instant at which each level is requested.

    Instants are microseconds since 1970. A video may be there several times.
    """

    owner: UUID
    numbers: Longs
    instants: Longs


async def views_at(
    reader: Reader, organization_id: UUID, requests: Sequence[LevelRequest]
) -> AsyncGenerator[tuple[LevelRequest, list[int | None]]]:
    """Yield for each request the levels of views, None where they are unknown."""
    for begin in range(0, len(requests), _OWNERS_AT_ONCE):
        some = [
            request
            for request in requests[begin : begin + _OWNERS_AT_ONCE]
            if len(request.numbers)
        ]
        held = await _held(reader, organization_id, some)
        for request in some:
            yield request, _levels(request, *held.get(request.owner, ([], [])))


async def _held(
    reader: Reader, organization_id: UUID, requests: Sequence[LevelRequest]
) -> Mapping[UUID, tuple[list[int], list[bytes]]]:
    """Return the instants and the packed counts of each owner, in order of time."""
    rows = await reader.rows(
        organization_id,
        _LEVELS,
        {
            "organization": organization_id,
            "owners": [request.owner for request in requests],
            "days": [day_of(int(request.instants.min())) for request in requests],
            "ends": [time_of(int(request.instants.max())) for request in requests],
        },
    )
    found: dict[UUID, tuple[list[int], list[bytes]]] = {}
    for owner, at, _, counts in rows:
        instants, packed = found.setdefault(owner, ([], []))
        instants.append(instant_of(at))
        packed.append(counts)
    return found


def _levels(
    request: LevelRequest, instants: Sequence[int], packed: Sequence[bytes]
) -> list[int | None]:
    """Return the newest known count of each video at its instant."""
    observed = unpack(packed, counters=VIDEOS.counters)
    is_known = (observed.missing >> _VIEWS & 1) == 0
    numbers = observed.video_numbers[is_known]
    if not len(numbers):
        return [None] * len(request.numbers)
    every: Longs = np.unique(numbers)
    width = len(instants) + 1
    # A video's observations lie together in order of time, as do those of one instant
    # in the order of the log: the one before the requested place is the level.
    keys = np.searchsorted(every, numbers) * width + observed.snapshots[is_known]
    order = np.argsort(keys)
    keys, counts = keys[order], observed.counts[_VIEWS][is_known][order]
    requested = request.numbers
    places = np.minimum(np.searchsorted(every, requested), len(every) - 1)
    until = np.searchsorted(
        np.array(instants, np.int64), request.instants, side="right"
    )
    last = np.searchsorted(keys, places * width + until) - 1
    is_there = (every[places] == requested) & (last >= 0)
    is_there &= keys[last] // width == places
    return [
        count if known else None
        for count, known in zip(counts[last].tolist(), is_there.tolist(), strict=True)
    ]
