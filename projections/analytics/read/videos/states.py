"""The videos of many owner states at once, as columns in the order of owners."""

import struct
from collections.abc import Sequence

import numpy as np

from projections.analytics.fold.columns import Longs, Mask, Observations
from projections.analytics.fold.owner_state import BASELINE, COUNTED
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.column_codec import unpack

COUNTERS = VIDEOS.counters
_EVERY = (1 << COUNTERS) - 1
_AMOUNT = struct.Struct("<I")


class VideoStates:
    """The videos of packed owner states, in the order of the states and numbers."""

    def __init__(self, states: Sequence[bytes]) -> None:
        packed: list[bytes] = []
        flags: list[bytes] = []
        first: list[bytes] = []
        for state in states:
            (amount,) = _AMOUNT.unpack_from(state)
            begin = _AMOUNT.size + 8 * amount
            first.append(state[_AMOUNT.size : begin])
            flags.append(state[begin : begin + amount])
            packed.append(state[begin + amount :])
        self.observed = unpack(packed, counters=COUNTERS)
        self.owner_of = self.observed.snapshots
        every = np.frombuffer(b"".join(flags), np.uint8)
        self.is_counted = (every & COUNTED) != 0
        self.is_baseline = (every & BASELINE) != 0
        self.first_at = np.frombuffer(b"".join(first), "<i8")
        self._numbers: Longs | None = None
        self._keys: Longs | None = None

    def __len__(self) -> int:
        return len(self.owner_of)

    def places_of(self, owner_of: Longs, numbers: Longs) -> Longs:
        """Return the indexes of videos, all of which must be there."""
        if (
            len(numbers) == len(self)
            and np.array_equal(numbers, self.observed.video_numbers)
            and np.array_equal(owner_of, self.owner_of)
        ):
            return np.arange(len(self))
        among, keys = self._sorted()
        ranks = np.searchsorted(among, numbers)
        return np.searchsorted(keys, owner_of * len(among) + ranks)

    def is_among(self, owner_of: Longs, numbers: Longs) -> Mask:
        """Return the videos of the states that are among these."""
        among, keys = self._sorted()
        found = np.zeros(len(self), np.bool_)
        is_there = np.isin(numbers, among)
        owner_of, numbers = owner_of[is_there], numbers[is_there]
        ranks = np.searchsorted(among, numbers)
        found[np.isin(keys, owner_of * len(among) + ranks)] = True
        return found

    def lacking(self, observed: Observations, owner_of: Longs, at: int) -> Longs:
        """Return the owners for which an observation up to an instant is not enough.

        It is enough if it lists all their videos known by then.
        """
        known = np.zeros(len(self), np.uint8)
        known[self.places_of(owner_of, observed.video_numbers)] = (
            ~observed.missing & _EVERY
        )
        # A counter that is unknown now was unknown at any earlier time.
        was_possible = np.where(
            self.first_at <= at, ~self.observed.missing & _EVERY, 0
        ).astype(np.uint8)
        return np.unique(self.owner_of[(was_possible & ~known) != 0])

    def _sorted(self) -> tuple[Longs, Longs]:
        """Return all numbers, and a key of each video, both ascending."""
        if self._numbers is None or self._keys is None:
            self._numbers, ranks = np.unique(
                self.observed.video_numbers, return_inverse=True
            )
            self._keys = self.owner_of * len(self._numbers) + ranks
        return self._numbers, self._keys
