"""How far observations move sums, and what is known after them: many at once.

Everything here is a function of all observations of a thing, in the order of
(observed_at, position). In which order they were told makes no difference. Of two at
one instant the later one is the level, and the other one was none at any time.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from projections.analytics.columns import Bits, Grid, Longs, Mask, Observations

Moved = npt.NDArray[Any]
"""By group, a column each: the observations, and for each counter the change of its
sum, of how many are known, and the baselines, summed and counted."""

_LARGEST = 2**63 - 1


class Levels:
    """What is known of things, by their numbers in ascending order.

    Bit n of ``unknown`` is set where nobody ever told counter n; ``counts`` has 0
    there.
    """

    __slots__ = ("counts", "things", "unknown")

    def __init__(self, things: Longs, counts: Grid, unknown: Bits) -> None:
        self.things = things
        self.counts = counts
        self.unknown = unknown

    @classmethod
    def nothing(cls, things: Longs, *, counters: int) -> "Levels":
        """Return the levels of things before anything is known of them."""
        unknown = np.full(len(things), (1 << counters) - 1, np.uint8)
        return cls(things, np.zeros((counters, len(things)), np.int64), unknown)

    def copy(self) -> "Levels":
        return Levels(self.things, self.counts.copy(), self.unknown.copy())

    def places_of(self, things: Longs) -> Longs:
        """Return where these things are, all of which must be among these."""
        return np.searchsorted(self.things, things)


def follow(
    levels: Levels,
    told: Observations,
    groups: Longs,
    instants: Longs,
    *,
    size: int,
    is_counted: Mask | None = None,
    is_baseline: Mask,
) -> Moved:
    """Take observations into the levels, and return how far that moves sums.

    All that was observed at their first instant is among them. ``instants`` says when
    each look was and ``groups`` in which group of ``size`` ones it is; ``is_counted``
    and ``is_baseline`` are by thing. Sums too large for 64 bits are Python's own
    numbers.
    """
    counters = len(levels.counts)
    kind = _kind_for(levels, told)
    moved: Moved = np.zeros((1 + 4 * counters, size), kind)
    if not len(told):
        return moved
    has_twins = bool((instants[1:] == instants[:-1]).any())
    is_plain = told.alike and kind is np.int64 and not _is_patchy(told.missing)
    if is_plain and not has_twins:
        _follow_alike(levels, told, groups, moved, is_counted, is_baseline)
        return moved
    places = levels.places_of(told.things)
    order = np.argsort(places, kind="stable")
    looks = told.looks[order]
    places, group = places[order], groups[looks]
    missing = told.missing[order]
    counted = None if is_counted is None or is_counted.all() else is_counted
    in_sum = group if counted is None else group[counted[places]]
    np.add.at(moved[0], in_sum, 1)
    is_partial = bool(missing.any())
    for number in range(counters):
        values = told.counts[number][order]
        place, its_group = places, group
        if is_partial or has_twins:
            is_used = (missing >> number & 1) == 0
            if has_twins:
                is_used[is_used] = ~superseded(place[is_used], instants[looks[is_used]])
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
            moved[1 + 4 * number : 5 + 4 * number],
            counted=counted,
            is_baseline=is_baseline,
        )
    return moved


def superseded(things: Longs, instants: Longs) -> Mask:
    """Return which observations have a later one of the same thing at their instant.

    They are sorted by thing, then by instant and position.
    """
    found = np.zeros(len(things), np.bool_)
    found[:-1] = (things[1:] == things[:-1]) & (instants[1:] == instants[:-1])
    return found


def _follow_one(
    levels: Levels,
    number: int,
    told: tuple[Longs, Longs, npt.NDArray[Any]],
    moved: Moved,
    *,
    counted: Mask | None,
    is_baseline: Mask,
) -> None:
    """Take one counter's values in, sorted by thing and then by time."""
    place, group, values = told
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
    np.add.at(moved[0], group, delta)
    if begins.any():
        np.add.at(moved[1], group[begins], 1)
        begins &= is_baseline[place]
        np.add.at(moved[2], group[begins], values[begins])
        np.add.at(moved[3], group[begins], 1)


def _is_patchy(missing: Bits) -> bool:
    """Tell whether a counter is there of some things and left out of others."""
    return bool((missing != missing[0]).any())


def _follow_alike(
    levels: Levels,
    told: Observations,
    groups: Longs,
    moved: Moved,
    is_counted: Mask | None,
    is_baseline: Mask,
) -> None:
    """Take in looks that all saw the same: then sums move by differences of sums."""
    counters, left_out = len(levels.counts), int(told.missing[0])
    there = np.array([n for n in range(counters) if not left_out >> n & 1], np.int64)
    grid = told.counts.reshape(counters, -1, told.alike)
    if left_out:
        grid = grid[there]
    # What is seen is among what is known: as many of it is all of it.
    is_all = told.alike == len(levels.things)
    place = slice(None) if is_all else levels.places_of(told.things[: told.alike])
    held, unknown = levels.counts[there][:, place], levels.unknown[place]
    counted = np.ones(told.alike, np.bool_)
    if is_counted is not None:
        counted = is_counted[place]
    is_any_left = not counted.all()
    sums = (grid[:, :, counted] if is_any_left else grid).sum(axis=2)
    sums[:, 1:] -= sums[:, :-1].copy()
    sums[:, 0] -= (held[:, counted] if is_any_left else held).sum(axis=1)
    np.add.at(moved[0], groups, np.count_nonzero(counted))
    np.add.at(moved, (1 + 4 * there[:, np.newaxis], groups), sums)
    if unknown.any():
        for first, number in zip(grid[:, 0], there.tolist(), strict=True):
            begins = counted & ((unknown >> number & 1) == 1)
            its = moved[2 + 4 * number : 5 + 4 * number, groups[0]]
            its[0] += np.count_nonzero(begins)
            begins &= is_baseline[place]
            its[1] += first[begins].sum()
            its[2] += np.count_nonzero(begins)
        levels.unknown[place] = unknown & np.uint8(left_out)
    if is_all:
        levels.counts[there] = grid[:, -1]
    else:
        levels.counts[there[:, np.newaxis], place] = grid[:, -1]


def _kind_for(levels: Levels, told: Observations) -> type[Any]:
    """Return the kind of numbers in which no sum of these can overflow."""
    if not len(told):
        return np.int64
    most = max(
        int(told.counts.max()), -int(told.counts.min()),
        int(levels.counts.max(initial=0)), -int(levels.counts.min(initial=0)),
    )  # fmt: skip
    return np.int64 if 2 * most * (len(told) + 1) <= _LARGEST else object
