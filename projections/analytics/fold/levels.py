"""Levels of counters, and the deltas of their sums, from many observations at once.

The result depends on the set of observations only, ordered by (observed_at, position),
not on the order in which they were recorded. If a video has two observations at one
instant, the level is the one with the later position, which overrides the other.
docs/analytics.md defines level, baseline and new counts.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from projections.analytics.fold.columns import Bits, Grid, Longs, Mask, Observations

Deltas = npt.NDArray[Any]
"""One column a group. Rows: the number of observations, then four a counter: the change
of the sum of levels, the change of the number of known levels, the sum of baselines,
the number of baselines."""

_LARGEST = 2**63 - 1


class Levels:
    """The newest level of each counter, by video number in ascending order.

    Bit n of ``unknown`` is set where counter n was never observed; ``counts`` has 0
    there.
    """

    __slots__ = ("counts", "unknown", "video_numbers")

    def __init__(self, video_numbers: Longs, counts: Grid, unknown: Bits) -> None:
        self.video_numbers = video_numbers
        self.counts = counts
        self.unknown = unknown

    @classmethod
    def nothing(cls, video_numbers: Longs, *, counters: int) -> "Levels":
        """Return the levels of videos that were never observed."""
        unknown = np.full(len(video_numbers), (1 << counters) - 1, np.uint8)
        return cls(
            video_numbers, np.zeros((counters, len(video_numbers)), np.int64), unknown
        )

    def copy(self) -> "Levels":
        return Levels(self.video_numbers, self.counts.copy(), self.unknown.copy())

    def places_of(self, video_numbers: Longs) -> Longs:
        """Return the indexes of these videos, all of which must be there."""
        return np.searchsorted(self.video_numbers, video_numbers)


def follow(
    levels: Levels,
    observations: Observations,
    groups: Longs,
    instants: Longs,
    *,
    size: int,
    is_counted: Mask | None = None,
    is_baseline: Mask,
) -> Deltas:
    """Apply observations to the levels, and return the deltas of sums by group.

    The observations must include all at their first instant. ``instants`` has for each
    snapshot its microseconds since 1970, and ``groups`` its group, a number below
    ``size``. ``is_counted`` and ``is_baseline`` are by video. Sums too large for 64
    bits are Python integers.
    """
    counters = len(levels.counts)
    kind = _kind_for(levels, observations)
    deltas: Deltas = np.zeros((1 + 4 * counters, size), kind)
    if not len(observations):
        return deltas
    has_same_timestamp = bool((instants[1:] == instants[:-1]).any())
    is_plain = (
        observations.same_videos
        and kind is np.int64
        and not _is_patchy(observations.missing)
    )
    if is_plain and not has_same_timestamp:
        _follow_same_videos(
            levels, observations, groups, deltas, is_counted, is_baseline
        )
        return deltas
    places = levels.places_of(observations.video_numbers)
    order = np.argsort(places, kind="stable")
    snapshots = observations.snapshots[order]
    places, group = places[order], groups[snapshots]
    missing = observations.missing[order]
    counted = None if is_counted is None or is_counted.all() else is_counted
    in_sum = group if counted is None else group[counted[places]]
    np.add.at(deltas[0], in_sum, 1)
    is_partial = bool(missing.any())
    for number in range(counters):
        values = observations.counts[number][order]
        place, its_group = places, group
        if is_partial or has_same_timestamp:
            is_used = (missing >> number & 1) == 0
            if has_same_timestamp:
                is_used[is_used] = ~overridden(
                    place[is_used], instants[snapshots[is_used]]
                )
            values, place, its_group = (
                values[is_used],
                place[is_used],
                its_group[is_used],
            )
            if not len(values):
                continue
        _follow_one(
            levels,
            number,
            (place, its_group, values.astype(kind, copy=False)),
            deltas[1 + 4 * number : 5 + 4 * number],
            counted=counted,
            is_baseline=is_baseline,
        )
    return deltas


def overridden(video_numbers: Longs, instants: Longs) -> Mask:
    """Return the observations with a later one of the same video at their instant.

    The observations are sorted by video, then by instant and position.
    """
    found = np.zeros(len(video_numbers), np.bool_)
    found[:-1] = (video_numbers[1:] == video_numbers[:-1]) & (
        instants[1:] == instants[:-1]
    )
    return found


def _follow_one(
    levels: Levels,
    number: int,
    observations: tuple[Longs, Longs, npt.NDArray[Any]],
    deltas: Deltas,
    *,
    counted: Mask | None,
    is_baseline: Mask,
) -> None:
    """Apply one counter's values, sorted by video and then by time."""
    place, group, values = observations
    opens = np.ones(len(values), np.bool_)
    opens[1:] = place[1:] != place[:-1]
    closes = np.ones(len(values), np.bool_)
    closes[:-1] = opens[1:]
    before = np.empty_like(values)
    before[1:] = values[:-1]
    opened = place[opens]
    before[opens] = levels.counts[number][opened]
    begins = np.zeros(len(values), np.bool_)
    begins[opens] = (levels.unknown[opened] >> number & 1) == 1
    closed = place[closes]
    levels.counts[number][closed] = values[closes].astype(np.int64)
    levels.unknown[closed] &= np.uint8(~(1 << number) & 0xFF)

    delta = values - before
    if counted is not None:
        is_in = counted[place]
        place, group, values, delta, begins = (
            place[is_in], group[is_in], values[is_in], delta[is_in], begins[is_in],
        )  # fmt: skip
    np.add.at(deltas[0], group, delta)
    if begins.any():
        np.add.at(deltas[1], group[begins], 1)
        begins &= is_baseline[place]
        np.add.at(deltas[2], group[begins], values[begins])
        np.add.at(deltas[3], group[begins], 1)


def _is_patchy(missing: Bits) -> bool:
    """Tell whether some videos lack a counter that others have."""
    return bool((missing != missing[0]).any())


def _follow_same_videos(
    levels: Levels,
    observations: Observations,
    groups: Longs,
    deltas: Deltas,
    is_counted: Mask | None,
    is_baseline: Mask,
) -> None:
    """Apply snapshots that all list the same videos.

    The deltas of a sum of levels are then the differences of the snapshots' sums.
    """
    counters, left_out = len(levels.counts), int(observations.missing[0])
    there = np.array([n for n in range(counters) if not left_out >> n & 1], np.int64)
    grid = observations.counts.reshape(counters, -1, observations.same_videos)
    if left_out:
        grid = grid[there]
    # The observed videos are among the known ones, so equal numbers mean all.
    is_all = observations.same_videos == len(levels.video_numbers)
    place = (
        slice(None)
        if is_all
        else levels.places_of(observations.video_numbers[: observations.same_videos])
    )
    held, unknown = levels.counts[there][:, place], levels.unknown[place]
    counted = np.ones(observations.same_videos, np.bool_)
    if is_counted is not None:
        counted = is_counted[place]
    is_any_left = not counted.all()
    rollups = (grid[:, :, counted] if is_any_left else grid).sum(axis=2)
    rollups[:, 1:] -= rollups[:, :-1].copy()
    rollups[:, 0] -= (held[:, counted] if is_any_left else held).sum(axis=1)
    np.add.at(deltas[0], groups, np.count_nonzero(counted))
    np.add.at(deltas, (1 + 4 * there[:, np.newaxis], groups), rollups)
    if unknown.any():
        for first, number in zip(grid[:, 0], there.tolist(), strict=True):
            begins = counted & ((unknown >> number & 1) == 1)
            its = deltas[2 + 4 * number : 5 + 4 * number, groups[0]]
            its[0] += np.count_nonzero(begins)
            begins &= is_baseline[place]
            its[1] += first[begins].sum()
            its[2] += np.count_nonzero(begins)
        levels.unknown[place] = unknown & np.uint8(left_out)
    if is_all:
        levels.counts[there] = grid[:, -1]
    else:
        levels.counts[there[:, np.newaxis], place] = grid[:, -1]


def _kind_for(levels: Levels, observations: Observations) -> type[Any]:
    """Return the number type in which no sum of these can overflow."""
    if not len(observations):
        return np.int64
    most = max(
        int(observations.counts.max()), -int(observations.counts.min()),
        int(levels.counts.max(initial=0)), -int(levels.counts.min(initial=0)),
    )  # fmt: skip
    return np.int64 if 2 * most * (len(observations) + 1) <= _LARGEST else object
