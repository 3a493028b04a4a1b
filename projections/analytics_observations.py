"""What looks saw, as columns of numbers, and as the bytes that a row keeps of it."""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import cast

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.int64]
"""Counters as rows, things or observations as columns."""

_FORMAT = 1
# Format, counters, whether anything is missing, observations; then a width a counter.
_HEADER = struct.Struct("<BB?I")
_WIDTHS = {1: np.dtype("<i1"), 2: np.dtype("<i2"), 4: np.dtype("<i4"), 8: "<i8"}
_LARGEST = 2**63 - 1
_MOST_LISTS = 2_000
_last: dict[str, tuple[Sequence[str], Longs]] = {}


class Observations:
    """Observations of things, one column each, in the order they were made.

    ``looks`` says by its number which look an observation is of. Bit n of ``missing``
    is set where counter n was left out; ``counts`` has 0 there.
    """

    __slots__ = ("counts", "looks", "missing", "things")

    def __init__(
        self, things: Longs, looks: Longs, counts: Grid, missing: Bits
    ) -> None:
        self.things = things
        self.looks = looks
        self.counts = counts
        self.missing = missing

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
        return _in_order(
            np.concatenate((mine.things, other.things)),
            np.concatenate((mine.counts, other.counts), axis=1),
            np.concatenate((mine.missing, other.missing)),
        )


def seen_of(things: Longs, columns: Sequence[Sequence[int | None]]) -> Seen:
    """Return what a look saw, given its counters one by one.

    Of a thing that it lists twice the last line counts.

    Raises:
        OverflowError: a counter is not a signed 64-bit number.
    """
    amount = len(things)
    counts = np.zeros((len(columns), amount), np.int64)
    missing = np.zeros(amount, np.uint8)
    for number, column in enumerate(columns):
        left_out = column.count(None)
        bit = np.uint8(1 << number)
        if left_out == amount:
            missing |= bit
            continue
        told = column
        if left_out:
            told = [0 if count is None else count for count in column]
            missing |= np.array([count is None for count in column], np.bool_) * bit
        counts[number] = cast("Sequence[int]", told)
    return _in_order(things, counts, missing)


def _in_order(things: Longs, counts: Grid, missing: Bits) -> Seen:
    if (things[1:] > things[:-1]).all():
        return Seen(things, counts, missing)
    order = np.argsort(things, kind="stable")
    ascending = things[order]
    is_last = np.ones(len(things), np.bool_)
    is_last[:-1] = ascending[1:] != ascending[:-1]
    if not is_last.all():
        order, ascending = order[is_last], ascending[is_last]
    return Seen(ascending, counts[:, order], missing[order])


def numbers_of(names: Sequence[str]) -> Longs:
    """Return the numbers under which videos go, by their ids on TikTok.

    Those are numbers themselves; whatever is not written as one gets a negative number
    of its own.

    >>> numbers_of(["7301", "07301"]).tolist()[0]
    7301
    """
    # Most looks list the very videos that the last one of the creator did.
    held = _last.get(names[0]) if names else None
    if held is not None and held[0] == names:
        return held[1]
    numbers = _numbers_of(names)
    if names:
        if len(_last) >= _MOST_LISTS:
            _last.clear()
        _last[names[0]] = names, numbers
    return numbers


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


def pack(seen: Seen) -> bytes:
    """Return the bytes of what was seen: each counter as narrow as its values allow."""
    counters, amount = seen.counts.shape
    is_partial = bool(seen.missing.any())
    parts: list[bytes] = [_HEADER.pack(_FORMAT, counters, is_partial, amount), b""]
    parts.append(seen.things.tobytes())
    if is_partial:
        parts.append(seen.missing.tobytes())
    widths = bytearray(counters)
    smallest = seen.counts.min(axis=1, initial=0).tolist()
    largest = seen.counts.max(axis=1, initial=0).tolist()
    for number, (least, most) in enumerate(zip(smallest, largest, strict=True)):
        column = seen.counts[number]
        if not least and not most:
            continue
        widths[number] = width = next(
            width
            for width in (1, 2, 4, 8)
            if -(1 << 8 * width - 1) <= least and most < 1 << 8 * width - 1
        )
        parts.append(column.astype(_WIDTHS[width]).tobytes())
    parts[1] = bytes(widths)
    return b"".join(parts)


def things_in(packed: Sequence[bytes], *, counters: int) -> Longs:
    """Return the numbers of all things that looks saw, one look after the other."""
    at = _HEADER.size + counters
    parts = [
        np.frombuffer(one, "<i8", _HEADER.unpack_from(one)[3], at) for one in packed
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def unpack(packed: Sequence[bytes], *, counters: int) -> Observations:
    """Return what several looks saw, one after the other.

    Raises:
        ValueError: a release with another format has written it.
    """
    heads = [_HEADER.unpack_from(one) for one in packed]
    sizes = [head[3] for head in heads]
    whole = sum(sizes)
    things = np.empty(whole, np.int64)
    counts = np.zeros((counters, whole), np.int64)
    missing = np.zeros(whole, np.uint8)
    start = 0
    for one, (version, _, is_partial, amount) in zip(packed, heads, strict=True):
        if version != _FORMAT:
            raise ValueError(f"observations of format {version} are not known here")
        end = start + amount
        widths = one[_HEADER.size : _HEADER.size + counters]
        at = _HEADER.size + counters
        things[start:end] = np.frombuffer(one, "<i8", amount, at)
        at += 8 * amount
        if is_partial:
            missing[start:end] = np.frombuffer(one, np.uint8, amount, at)
            at += amount
        for number, width in enumerate(widths):
            if width:
                column = np.frombuffer(one, _WIDTHS[width], amount, at)
                counts[number, start:end] = column
                at += width * amount
        start = end
    looks = np.repeat(np.arange(len(sizes)), sizes)
    return Observations(things, looks, counts, missing)
