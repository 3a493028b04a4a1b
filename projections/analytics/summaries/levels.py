"""Levels of views and other counts of many videos, each at an instant of its own.

The levels at the end of the last UTC day before the first instant are stored; from
there on the snapshots are read, so an instant of today costs those of one day.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.metrics import VideoMetric
from projections.analytics.fold.columns import Longs, Mask, distinct
from projections.analytics.fold.day_ends import day_of
from projections.analytics.fold.keys import instant_of, time_of
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.column_codec import unpack
from projections.engine.reader import Reader

_SECONDS_A_DAY = 86_400
# One statement, so that days and snapshots are of one moment. A stored day comes before
# the snapshots after it, with the position 0.
_LEVELS = f"""
WITH requested AS (
    SELECT * FROM unnest(%(owners)s::uuid[], %(days)s::int[], %(ends)s::timestamptz[])
        WITH ORDINALITY AS requested (o, before, until, n)
), base AS MATERIALIZED (
    SELECT n, day, levels FROM requested CROSS JOIN LATERAL (
        SELECT day, levels FROM analytics_owner_days
        WHERE organization_id = %(organization)s AND owner = o AND day < before
        ORDER BY day DESC LIMIT 1
    ) found
)
SELECT n, to_timestamp((day + 1) * {_SECONDS_A_DAY}::float) AS at, 0::bigint, levels
FROM base
UNION ALL
SELECT requested.n, observed_at, position, counts
FROM requested LEFT JOIN base ON base.n = requested.n CROSS JOIN LATERAL (
    SELECT observed_at, position, counts FROM analytics_snapshots
    WHERE organization_id = %(organization)s AND metric_group = {VIDEOS.number}
    AND owner = requested.o AND observed_at <= until AND observed_at > coalesce(
        to_timestamp((day + 1) * {_SECONDS_A_DAY}::float), '-infinity')
) found
ORDER BY 1, 2, 3
""".encode()


class LevelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An owner's videos, by number, and the instant at which each level is requested.

    Instants are microseconds since 1970. A video may be listed several times.
    """

    owner: UUID
    numbers: Longs
    instants: Longs


async def views_at(
    reader: Reader, organization_id: UUID, requests: Sequence[LevelRequest]
) -> list[tuple[Longs, Mask]]:
    """Return for each request the levels of views, and which of them are known."""
    return (await levels_at(reader, organization_id, requests, metrics=("views",)))[0]


async def levels_at(
    reader: Reader,
    organization_id: UUID,
    requests: Sequence[LevelRequest],
    *,
    metrics: Sequence[VideoMetric],
) -> list[list[tuple[Longs, Mask]]]:
    """Return for each metric, and each request, the levels, and which are known."""
    rows = await reader.rows(
        organization_id,
        _LEVELS,
        owners=[request.owner for request in requests],
        days=[day_of(int(request.instants.min())) for request in requests],
        ends=[time_of(int(request.instants.max())) for request in requests],
    )
    observed = unpack([row[3] for row in rows], counters=VIDEOS.counters)
    times = np.array([instant_of(row[1]) for row in rows], np.int64)
    owners = np.array([row[0] - 1 for row in rows], np.int64)
    # Rows are in order of owners, and observations in order of rows.
    first_row = np.searchsorted(owners, np.arange(len(requests) + 1))
    found: list[list[tuple[Longs, Mask]]] = []
    for metric in metrics:
        counter = VIDEOS.metrics.index(metric)
        is_known = (observed.missing >> counter & 1) == 0
        numbers = observed.video_numbers[is_known]
        snapshots = observed.snapshots[is_known]
        counts = observed.counts[counter][is_known]
        first = np.searchsorted(snapshots, first_row)
        of_requests: list[tuple[Longs, Mask]] = []
        for nth, request in enumerate(requests):
            its = slice(first[nth], first[nth + 1])
            of_requests.append(
                _levels(
                    request,
                    times[first_row[nth] : first_row[nth + 1]],
                    numbers[its],
                    snapshots[its] - first_row[nth],
                    counts[its],
                )
            )
        found.append(of_requests)
    return found


def _levels(
    request: LevelRequest,
    times: Longs,
    numbers: Longs,
    snapshots: Longs,
    counts: Longs,
) -> tuple[Longs, Mask]:
    """Return the newest known count of each video at its instant."""
    requested = request.numbers
    if not len(numbers):
        return np.zeros(len(requested), np.int64), np.zeros(len(requested), np.bool_)
    every = distinct(numbers)
    width = len(times) + 1
    # A video's observations lie together in order of time, and at one instant in the
    # order of the log. The observation before the requested place is the level.
    keys = np.searchsorted(every, numbers) * width + snapshots
    order = np.argsort(keys)
    keys = keys[order]
    places = np.minimum(np.searchsorted(every, requested), len(every) - 1)
    until = np.searchsorted(times, request.instants, side="right")
    last = np.searchsorted(keys, places * width + until) - 1
    is_there = (every[places] == requested) & (last >= 0)
    is_there &= keys[last] // width == places
    return counts[order][last], is_there
