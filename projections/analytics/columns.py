"""What looks saw, as columns of numbers."""

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
"""Counters as rows, things or observations as columns."""

_LARGEST = 2**63 - 1


class Observations:
    """Observations of things, one column each, in the order they were made.

    ``looks`` says by its number which look an observation is of. Bit n of ``missing``
    is set where counter n was left out; ``counts`` has 0 there. ``alike`` is how many
    things each look saw where all saw the same ones, and 0 where they did not.
    """

    __slots__ = ("alike", "counts", "looks", "missing", "things")

    def __init__(
        self,
        things: Longs,
        looks: Longs,
        counts: Grid,
        missing: Bits,
        *,
        alike: int = 0,
    ) -> None:
        self.things = things
        self.looks = looks
        self.counts = counts
        self.missing = missing
        self.alike = alike

    def __len__(self) -> int:
        return len(self.things)

    def where(self, mask: Mask) -> "Observations":
        """Return those of the observations that the mask picks."""
        if mask.all():
            return self
        return Observations(
            self.things[mask],
            self.looks[mask],
            self.counts[:, mask],
            self.missing[mask],
        )

    def of(self, things: Longs) -> "Observations":
        """Return the observations of these things."""
        return self.where(np.isin(self.things, things))


class Listed:
    """The things that a look lists: their numbers, each once, in ascending order.

    ``order`` says where in its list of ``amount`` lines each stands, the last time;
    None says that the list is in order.
    """

    __slots__ = ("amount", "order", "things")

    def __init__(self, things: Longs, amount: int, order: Longs | None) -> None:
        self.things = things
        self.amount = amount
        self.order = order


class Seen:
    """What one look saw of things, by their numbers in ascending order."""

    __slots__ = ("counts", "missing", "things")

    def __init__(self, things: Longs, counts: Grid, missing: Bits) -> None:
        self.things = things
        self.counts = counts
        self.missing = missing

    def __len__(self) -> int:
        return len(self.things)

    def where(self, mask: Mask) -> "Seen":
        """Return what was seen of those things that the mask picks."""
        return Seen(self.things[mask], self.counts[:, mask], self.missing[mask])

    def and_(self, other: "Seen") -> "Seen":
        """Return what was seen of either; what both saw is taken from the other."""
        mine = self.where(~np.isin(self.things, other.things))
        things = np.concatenate((mine.things, other.things))
        order = np.argsort(things)
        return Seen(
            things[order],
            np.concatenate((mine.counts, other.counts), axis=1)[:, order],
            np.concatenate((mine.missing, other.missing))[order],
        )


def listed(names: Sequence[str]) -> Listed:
    """Return the numbers under which videos go, by their ids on TikTok.

    Those are numbers themselves; whatever is not written as one gets a negative number
    of its own.

    >>> listed(["7301", "07301"]).things.tolist()[1]
    7301
    """
    things = _numbers_of(names)
    if (things[1:] > things[:-1]).all():
        return Listed(things, len(things), None)
    order = np.argsort(things, kind="stable")
    ascending = things[order]
    is_last = np.ones(len(things), np.bool_)
    is_last[:-1] = ascending[1:] != ascending[:-1]
    return Listed(ascending[is_last], len(things), order[is_last])


def seen_of(names: Listed, columns: Sequence[Sequence[int | None]]) -> Seen:
    """Return what a look saw, given its counters one by one.

    Of a thing that it lists twice the last line counts.

    Raises:
        OverflowError: a counter is not a signed 64-bit number.
        ValueError: there are more or fewer of a counter than things listed.
    """
    amount = names.amount
    # Three times as fast as numpy reads Python's numbers.
    to_bytes = _longs_of(amount).pack
    parts: list[bytes] = []
    missing = np.zeros(amount, np.uint8)
    for number, column in enumerate(columns):
        bit = np.uint8(1 << number)
        if column and column[0] is None and column.count(None) == amount:
            missing |= bit
            parts.append(bytes(8 * amount))
            continue
        try:
            parts.append(to_bytes(*column))
        except struct.error:
            if len(column) != amount:
                msg = f"{len(column)} counters of {amount} videos"
                raise ValueError(msg) from None
            left_out = np.array([count is None for count in column], np.bool_)
            missing |= left_out * bit
            told = np.array([count or 0 for count in column], np.int64)
            parts.append(told.tobytes())
    counts = np.frombuffer(b"".join(parts), np.int64).reshape(len(parts), amount)
    if names.order is None:
        return Seen(names.things, counts, missing)
    return Seen(names.things, counts[:, names.order], missing[names.order])


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
    """Return the number of one video."""
    if name.isascii() and name.isdecimal() and name[0] != "0" and int(name) <= _LARGEST:
        return int(name)
    return -1 - (int.from_bytes(sha256(name.encode()).digest()[:8]) >> 1)
