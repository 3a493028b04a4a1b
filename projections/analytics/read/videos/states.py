"""The videos of many owner states at once, as columns in the order of owners."""

import struct
from collections.abc import Iterable, Sequence
from functools import cached_property
from uuid import UUID

import numpy as np

from projections.analytics.fold.columns import Longs, Mask, Observations, distinct
from projections.analytics.fold.owner_state import BASELINE, COUNTED
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.column_codec import packed_video_numbers, unpack

COUNTERS = VIDEOS.counters
_EVERY = (1 << COUNTERS) - 1
_AMOUNT = struct.Struct("<I")


class VideoStates:
    """The videos of packed owner states, in the order of the states and numbers.

    ``owner_of`` is the index of each video's owner among ``owners``. Callers who need
    the levels, too, say so with ``with_levels``, and both are unpacked together.
    """

    def __init__(
        self,
        owners: Sequence[UUID],
        states: Sequence[bytes],
        *,
        with_levels: bool = False,
    ) -> None:
        flags: list[bytes] = []
        first: list[bytes] = []
        self._packed: list[bytes] = []
        for state in states:
            (amount,) = _AMOUNT.unpack_from(state)
            begin = _AMOUNT.size + 8 * amount
            first.append(state[_AMOUNT.size : begin])
            flags.append(state[begin : begin + amount])
            self._packed.append(state[begin + amount :])
        self.owners = owners
        if with_levels:
            self.owner_of = self.observed.snapshots
            self.video_numbers = self.observed.video_numbers
        else:
            self.owner_of, self.video_numbers = _numbers_in(self._packed)
        every = np.frombuffer(b"".join(flags), np.uint8)
        self.is_counted = (every & COUNTED) != 0
        self.is_baseline = (every & BASELINE) != 0
        self.first_at = np.frombuffer(b"".join(first), "<i8")

    def __len__(self) -> int:
        return len(self.owner_of)

    @cached_property
    def observed(self) -> Observations:
        """Return the newest levels as observations, one for each video."""
        return unpack(self._packed, counters=COUNTERS)

    def places_of(self, owner_of: Longs, numbers: Longs) -> Longs:
        """Return the indexes of videos, all of which must be there."""
        if (
            len(numbers) == len(self)
            and np.array_equal(numbers, self.video_numbers)
            and np.array_equal(owner_of, self.owner_of)
        ):
            return np.arange(len(self))
        return np.searchsorted(self._keys, self._key(owner_of, numbers))

    def among(self, owner_of: Longs, numbers: Longs) -> Mask:
        """Return which of the videos are among these."""
        found = np.zeros(len(self), np.bool_)
        if not len(found):
            return found
        ranks = np.searchsorted(self._numbers, numbers)
        ranks = np.minimum(ranks, len(self._numbers) - 1)
        is_there = self._numbers[ranks] == numbers
        keys = self._key(owner_of[is_there], numbers[is_there])
        places = np.minimum(np.searchsorted(self._keys, keys), len(found) - 1)
        found[places[self._keys[places] == keys]] = True
        return found

    def among_pairs(self, pairs: Iterable[tuple[UUID, int | None]]) -> Mask:
        """Return which of the videos are among these, by owner and number."""
        places = {owner: place for place, owner in enumerate(self.owners)}
        known = [
            (places[owner], number)
            for owner, number in pairs
            if owner in places and number is not None
        ]
        return self.among(*np.array(known, np.int64).reshape(-1, 2).T)

    def among_packed(self, lists: Iterable[tuple[UUID, bytes]]) -> Mask:
        """Return which of the videos are in lists of numbers, one for each owner.

        Numbers have eight bytes each, the most significant one first.
        """
        places = {owner: place for place, owner in enumerate(self.owners)}
        known = [
            (place, numbers)
            for owner, numbers in lists
            if (place := places.get(owner)) is not None
        ]
        amounts = [len(numbers) // 8 for _, numbers in known]
        owner_of = np.repeat(np.array([place for place, _ in known], np.int64), amounts)
        every = np.frombuffer(b"".join(numbers for _, numbers in known), ">i8")
        return self.among(owner_of, every.astype(np.int64))

    def listed_in(self, rows: Iterable[tuple[int, bytes]]) -> Mask:
        """Return which of the videos are in snapshots, each with its owner's index."""
        held = [*rows]
        row_of, numbers = _numbers_in([packed for _, packed in held])
        owner_of = np.array([owner for owner, _ in held], np.int64)
        return self.among(owner_of[row_of], numbers)

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

    @cached_property
    def _numbers(self) -> Longs:
        return distinct(self.video_numbers)

    @cached_property
    def _keys(self) -> Longs:
        """Return a key of each video, ascending as the numbers of each state are."""
        return self._key(self.owner_of, self.video_numbers)

    def _key(self, owner_of: Longs, numbers: Longs) -> Longs:
        ranks = np.searchsorted(self._numbers, numbers)
        return owner_of * len(self._numbers) + ranks


def _numbers_in(packed: Sequence[bytes]) -> tuple[Longs, Longs]:
    """Return the numbers of videos in packed snapshots, each with its index there."""
    numbers = [packed_video_numbers(one) for one in packed]
    amounts = np.array([len(part) // 8 for part in numbers], np.int64)
    found = np.frombuffer(b"".join(numbers), "<i8")
    return np.repeat(np.arange(len(numbers)), amounts), found
