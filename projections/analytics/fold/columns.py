"""Observed counts as arrays: one video a column, one counter a row."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.int64]
"""Counters as rows, videos or observations as columns."""

_LARGEST = 2**63 - 1


class Observations:
    """Observations of videos from several snapshots, one column each, in time order.

    ``snapshots`` holds the index of each observation's snapshot. Bit n of ``missing``
    is set where counter n is unknown: it was left out, and ``counts`` has 0 there, or
    it was negative. ``same_videos`` is the number of videos in each snapshot if all
    list the same ones, else 0.
    A profile is one video with the number 0.
    """

    __slots__ = ("counts", "missing", "same_videos", "snapshots", "video_numbers")

    def __init__(
        self,
        video_numbers: Longs,
        snapshots: Longs,
        counts: Grid,
        missing: Bits,
        *,
        same_videos: int = 0,
    ) -> None:
        self.video_numbers = video_numbers
        self.snapshots = snapshots
        self.counts = counts
        self.missing = missing
        self.same_videos = same_videos

    @classmethod
    def nothing(cls, *, counters: int) -> "Observations":
        none = np.empty(0, np.int64)
        return cls(none, none, np.zeros((counters, 0), np.int64), np.empty(0, np.uint8))

    def __len__(self) -> int:
        return len(self.video_numbers)

    def where(self, mask: Mask) -> "Observations":
        """Return the observations that the mask selects."""
        if mask.all():
            return self
        return Observations(
            self.video_numbers[mask],
            self.snapshots[mask],
            self.counts[:, mask],
            self.missing[mask],
        )

    def of(self, video_numbers: Longs) -> "Observations":
        return self.where(np.isin(self.video_numbers, video_numbers))


def distinct(values: Longs) -> Longs:
    """Return the values in ascending order, each once.

    Sorting is several times as fast as the hash table of ``np.unique``.
    """
    ascending = np.sort(values)
    is_first = np.ones(len(ascending), np.bool_)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first]


class Listed:
    """The videos that a snapshot lists: their numbers, each once, in ascending order.

    The list has ``amount`` entries. ``order`` holds for each video the index of its
    last entry; None if the list is in ascending order already.
    """

    __slots__ = ("amount", "order", "video_numbers")

    def __init__(self, video_numbers: Longs, amount: int, order: Longs | None) -> None:
        self.video_numbers = video_numbers
        self.amount = amount
        self.order = order


class ObservedCounts:
    """The counts in one snapshot, by video number in ascending order."""

    __slots__ = ("counts", "missing", "video_numbers")

    def __init__(self, video_numbers: Longs, counts: Grid, missing: Bits) -> None:
        self.video_numbers = video_numbers
        self.counts = counts
        self.missing = missing

    def __len__(self) -> int:
        return len(self.video_numbers)

    def where(self, mask: Mask) -> "ObservedCounts":
        """Return the counts of the videos that the mask selects."""
        return ObservedCounts(
            self.video_numbers[mask], self.counts[:, mask], self.missing[mask]
        )

    def and_(self, other: "ObservedCounts") -> "ObservedCounts":
        """Return the union of both. A video in both has the other's counts."""
        mine = self.where(~np.isin(self.video_numbers, other.video_numbers))
        video_numbers = np.concatenate((mine.video_numbers, other.video_numbers))
        order = np.argsort(video_numbers)
        return ObservedCounts(
            video_numbers[order],
            np.concatenate((mine.counts, other.counts), axis=1)[:, order],
            np.concatenate((mine.missing, other.missing))[order],
        )


def listed(names: Sequence[str]) -> Listed:
    """Return the numbers of videos, given their ids on TikTok.

    An id is a decimal number and stands for itself; any other id gets a negative
    number, which is a hash of it.

    >>> listed(["7301", "07301"]).videos.tolist()[1]
    7301
    """
    video_numbers = _numbers_of(names)
    if (video_numbers[1:] > video_numbers[:-1]).all():
        return Listed(video_numbers, len(video_numbers), None)
    order = np.argsort(video_numbers, kind="stable")
    ascending = video_numbers[order]
    is_last = np.ones(len(video_numbers), np.bool_)
    is_last[:-1] = ascending[1:] != ascending[:-1]
    return Listed(ascending[is_last], len(video_numbers), order[is_last])


def observed_counts(
    names: Listed, columns: Sequence[Sequence[int | None]]
) -> ObservedCounts:
    """Return the counts of a snapshot, given one column a counter.

    The last entry of a video that is listed twice counts. A negative counter is kept
    in ``counts``, and is missing.

    Raises:
        OverflowError: a counter is not a signed 64-bit number.
        ValueError: a column is longer or shorter than the list of videos.
    """
    amount = names.amount
    # A struct packs Python's numbers three times as fast as numpy reads them.
    to_bytes = _longs_of(amount).pack
    columns_: list[bytes] = []
    missing = np.zeros(amount, np.uint8)
    for number, column in enumerate(columns):
        bit = np.uint8(1 << number)
        if column and column[0] is None and column.count(None) == amount:
            missing |= bit
            columns_.append(bytes(8 * amount))
            continue
        try:
            columns_.append(to_bytes(*column))
        except struct.error:
            if len(column) != amount:
                msg = f"{len(column)} counters of {amount} videos"
                raise ValueError(msg) from None
            left_out = np.array([count is None for count in column], np.bool_)
            missing |= left_out * bit
            filled = np.array([count or 0 for count in column], np.int64)
            columns_.append(filled.tobytes())
    counts = np.frombuffer(b"".join(columns_), np.int64).reshape(len(columns_), amount)
    if counts.size and counts.min() < 0:
        for number, column in enumerate(counts < 0):
            missing |= column * np.uint8(1 << number)
    if names.order is None:
        return ObservedCounts(names.video_numbers, counts, missing)
    return ObservedCounts(
        names.video_numbers, counts[:, names.order], missing[names.order]
    )


@lru_cache
def _longs_of(amount: int) -> struct.Struct:
    return struct.Struct(f"={amount}q")


def _numbers_of(names: Sequence[str]) -> Longs:
    joined = "".join(names)
    if joined.isascii() and joined.isdecimal() and "0" not in [n[:1] for n in names]:
        numbers = list(map(int, names))
        if max(numbers) <= _LARGEST and "" not in names:
            return np.array(numbers, np.int64)
    return np.array([number_of(name) for name in names], np.int64)


def number_of(name: str) -> int:
    """Return the number of one video, given its id on TikTok."""
    if name.isascii() and name.isdecimal() and name[0] != "0" and int(name) <= _LARGEST:
        return int(name)
    return -1 - (int.from_bytes(sha256(name.encode()).digest()[:8]) >> 1)
