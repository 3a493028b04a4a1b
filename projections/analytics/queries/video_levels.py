"""Levels of many videos at any two instants, read from days, as columns of numbers.

The level at an instant is that at the end of the last UTC day before, and the snapshots
between; after an owner's last snapshot its state holds. One statement reads all of it,
so that it is of one moment.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np
from psycopg.rows import TupleRow

from projections.analytics.column_codec import unpack
from projections.analytics.columns import Grid, Longs, Mask, Observations
from projections.analytics.days.day_ends import beginning_of, day_of
from projections.analytics.keys import instant_of, time_of
from projections.analytics.owner_state import BASELINE, COUNTED
from projections.analytics.rollup_deltas import VIDEOS
from projections.engine.reader import Reader

_AMOUNT = struct.Struct("<I")
_COUNTERS = VIDEOS.counters
_ROWS = """
SELECT s.owner, s.state, s.observed_at, first.levels, {columns}
FROM analytics_owner_states s
LEFT JOIN analytics_first_levels first
    ON first.organization_id = %(organization)s AND first.owner = s.owner
{joins}
WHERE s.organization_id = %(organization)s AND s.metric_group = {videos}
AND ({owners})
"""
_DAY = """
LEFT JOIN LATERAL (
    SELECT levels FROM analytics_owner_days d
    WHERE d.organization_id = %(organization)s AND d.owner = s.owner
    AND d.day <= {day} ORDER BY d.day DESC LIMIT 1
) at_{name} ON s.observed_at > %({name})s
"""
_PART = """
LEFT JOIN LATERAL (
    SELECT array_agg(p.counts ORDER BY p.observed_at, p.position) AS counts
    FROM analytics_snapshots p
    WHERE p.organization_id = %(organization)s AND p.metric_group = {videos}
    AND p.owner = s.owner AND p.observed_at > %({name}_day)s
    AND p.observed_at <= %({name})s
) at_{name}_part ON s.observed_at > %({name})s
"""


class VideoSet(msgspec.Struct, frozen=True, kw_only=True):
    """Counted videos of an organization: all of some owners, or some of them.

    ``owners`` is a condition for the owner states ``s``. ``pairs`` is a query of the
    ``owner`` and the ``number`` of single videos of others.
    """

    owners: str = "false"
    pairs: str | None = None
    parameters: Mapping[str, object] = msgspec.field(default_factory=dict[str, object])

    @classmethod
    def every(cls) -> "VideoSet":
        """Return all counted videos of the organization."""
        return cls(owners="true")

    @classmethod
    def of_project(cls, project_id: UUID) -> "VideoSet":
        return cls(
            owners="s.project_id = %(project)s", parameters={"project": project_id}
        )

    @classmethod
    def of_members(
        cls, creators: Iterable[UUID], videos: Iterable[UUID] = ()
    ) -> "VideoSet":
        """Return the videos of these creators, and these single videos."""
        return cls(
            owners="s.owner = ANY(%(creators)s)",
            pairs=_PAIRS.format("id = ANY(%(videos)s)"),
            parameters={"creators": sorted(creators), "videos": sorted(videos)},
        )

    @classmethod
    def these(cls, query: str, parameters: Mapping[str, object]) -> "VideoSet":
        """Return the counted ones among the videos whose ids a query gives."""
        return cls(pairs=_PAIRS.format(f"id IN ({query})"), parameters=parameters)


_PAIRS = """
SELECT coalesce(creator_id, id) AS owner, number FROM analytics_videos
WHERE organization_id = %(organization)s AND is_counted AND {}
"""


class VideoFigureColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of counted videos: a row a counter, a column a video.

    A video is known by the index of its owner and its number, and columns are sorted by
    both. ``levels`` are those at the end, ``new`` what came to them in the range; both
    hold where ``is_known``.
    """

    owners: Sequence[UUID]
    owner_of: Longs
    numbers: Longs
    levels: Grid
    new: Grid
    is_known: Mask

    def __len__(self) -> int:
        return len(self.numbers)


async def video_columns(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> VideoFigureColumns:
    """Return the figures of these videos after ``start`` up to ``end``."""
    pairs: list[TupleRow] = []
    parameters: dict[str, object] = {
        "organization": organization_id,
        "start": start,
        "end": end,
        **videos.parameters,
    }
    owners = videos.owners
    if videos.pairs is not None:
        pairs = await reader.rows(organization_id, videos.pairs.encode(), parameters)
        parameters["more_owners"] = list({row[0] for row in pairs})
        owners = f"{owners} OR s.owner = ANY(%(more_owners)s)"
    columns = [f"({videos.owners})"]
    joins: list[str] = []
    for name, at in (("start", start), ("end", end)):
        day = day_of(instant_of(at) + 1) - 1
        joins.append(_DAY.format(name=name, day=day))
        columns.append(f"at_{name}.levels")
        midnight = time_of(beginning_of(day + 1))
        if at == midnight:
            columns.append("NULL")
            continue
        parameters[f"{name}_day"] = midnight
        joins.append(_PART.format(name=name, videos=VIDEOS.number))
        columns.append(f"at_{name}_part.counts")
    query = _ROWS.format(
        columns=", ".join(columns),
        joins="".join(joins),
        videos=VIDEOS.number,
        owners=owners,
    )
    rows = await reader.rows(
        organization_id, f"{query} ORDER BY s.owner".encode(), parameters
    )
    return _columns_of(rows, pairs, start=start, end=end)


class _States:
    """The videos of owner states, in the order of owners and numbers."""

    def __init__(self, rows: Sequence[TupleRow]) -> None:
        packed: list[bytes] = []
        flags: list[bytes] = []
        for row in rows:
            state = row[1]
            (amount,) = _AMOUNT.unpack_from(state)
            begin = _AMOUNT.size + 8 * amount
            flags.append(state[begin : begin + amount])
            packed.append(state[begin + amount :])
        self.observed = unpack(packed, counters=_COUNTERS)
        self.owner_of = self.observed.snapshots
        every = np.frombuffer(b"".join(flags), np.uint8)
        self.is_counted = (every & COUNTED) != 0
        self.is_baseline = (every & BASELINE) != 0
        self._numbers, ranks = np.unique(
            self.observed.video_numbers, return_inverse=True
        )
        self._keys = self.owner_of * len(self._numbers) + ranks

    def __len__(self) -> int:
        return len(self.owner_of)

    def places_of(self, owner_of: Longs, numbers: Longs) -> Longs:
        """Return the indexes of videos, all of which must be there."""
        if len(numbers) == len(self) and np.array_equal(
            numbers, self.observed.video_numbers
        ):
            return np.arange(len(self))
        ranks = np.searchsorted(self._numbers, numbers)
        return np.searchsorted(self._keys, owner_of * len(self._numbers) + ranks)

    def is_among(self, owner_of: Longs, numbers: Longs) -> Mask:
        """Return which videos of the states are among these."""
        found = np.zeros(len(self), np.bool_)
        is_there = np.isin(numbers, self._numbers)
        owner_of, numbers = owner_of[is_there], numbers[is_there]
        ranks = np.searchsorted(self._numbers, numbers)
        keys = owner_of * len(self._numbers) + ranks
        found[np.isin(self._keys, keys)] = True
        return found


def _columns_of(
    rows: Sequence[TupleRow],
    pairs: Sequence[TupleRow],
    *,
    start: datetime,
    end: datetime,
) -> VideoFigureColumns:
    states = _States(rows)
    before, was_known = _levels_at(states, rows, start, days=5)
    levels, is_known = _levels_at(states, rows, end, days=7)
    is_chosen = states.is_counted & np.repeat(
        np.array([row[4] for row in rows], np.bool_),
        np.bincount(states.owner_of, minlength=len(rows)),
    )
    if pairs:
        owners = {row[0]: number for number, row in enumerate(rows)}
        known = [(owners[one[0]], one[1]) for one in pairs if one[0] in owners]
        single = np.array(known, np.int64).reshape(-1, 2).T
        is_chosen |= states.is_counted & states.is_among(*single)
    opening = np.where(was_known, before, 0)
    begins = is_known & ~was_known
    if begins[:, is_chosen].any():
        opening = np.where(begins, _baselines(states, rows), opening)
    return VideoFigureColumns(
        owners=[row[0] for row in rows],
        owner_of=states.owner_of[is_chosen],
        numbers=states.observed.video_numbers[is_chosen],
        levels=levels[:, is_chosen],
        new=np.where(is_known, _difference(levels, opening), 0)[:, is_chosen],
        is_known=is_known[:, is_chosen],
    )


def _difference(levels: Grid, before: Grid) -> Grid:
    for one in (levels, before):
        if one.size and max(int(one.max()), -int(one.min())) >= 2**62:
            return levels.astype(object) - before.astype(object)
    return levels - before


def _levels_at(
    states: _States, rows: Sequence[TupleRow], at: datetime, *, days: int
) -> tuple[Grid, Mask]:
    """Return the levels at an instant, and which are known.

    ``days`` is the column of the last day before; that of the snapshots follows.
    """
    is_now = np.array([row[2] <= at for row in rows], np.bool_)[states.owner_of]
    counts = np.where(is_now, states.observed.counts, 0)
    unknown = np.where(is_now, states.observed.missing, (1 << _COUNTERS) - 1)
    is_known = (unknown >> np.arange(_COUNTERS)[:, np.newaxis] & 1) == 0
    held = [
        *((number, row[days]) for number, row in enumerate(rows) if row[days]),
        *(
            (number, packed)
            for number, row in enumerate(rows)
            for packed in row[days + 1] or ()
        ),
    ]
    if not held:
        return counts, is_known
    observed = unpack([packed for _, packed in held], counters=_COUNTERS)
    owner_of = np.array([number for number, _ in held], np.int64)[observed.snapshots]
    places = states.places_of(owner_of, observed.video_numbers)
    _put(counts, is_known, observed, places)
    return counts, is_known


def _put(counts: Grid, is_known: Mask, observed: Observations, places: Longs) -> None:
    """Put observations in order of time at their places, where they have a count."""
    for number in range(_COUNTERS):
        if not observed.missing.any():
            counts[number][places] = observed.counts[number]
            is_known[number][places] = True
            continue
        is_there = (observed.missing >> number & 1) == 0
        counts[number][places[is_there]] = observed.counts[number][is_there]
        is_known[number][places[is_there]] = True


def _baselines(states: _States, rows: Sequence[TupleRow]) -> Grid:
    """Return the first levels of videos that begin with a baseline, else 0."""
    held = [(number, row[3]) for number, row in enumerate(rows) if row[3]]
    observed = unpack([packed for _, packed in held], counters=_COUNTERS)
    owner_of = np.array([number for number, _ in held], np.int64)[observed.snapshots]
    places = states.places_of(owner_of, observed.video_numbers)
    first = np.zeros((_COUNTERS, len(states)), np.int64)
    first[:, places] = observed.counts
    return np.where(states.is_baseline, first, 0)
