"""What looks saw as the bytes that a row keeps of it, and back: many at once."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from projections.analytics.columns import Grid, Observations, Seen

_FORMAT = 1
# Format, counters, whether anything is missing, observations; then a width a counter.
_HEADER = struct.Struct("<BB?I")
_WIDTHS = {
    1: np.dtype("<i1"),
    2: np.dtype("<i2"),
    4: np.dtype("<i4"),
    8: np.dtype("<i8"),
}
_WIDTH_OF = np.array([*_WIDTHS], np.uint8)
_BEYOND = np.array([1 << 7, 1 << 15, 1 << 31], np.int64)


def pack(seen: Seen) -> bytes:
    """Return the bytes of what was seen: each counter as narrow as its values allow."""
    return pack_all([seen])[0]


def pack_all(seen: Sequence[Seen]) -> list[bytes]:
    """Return the bytes of what each of several looks saw.

    Looks at as many things are packed together: numpy takes longer to be called than
    to pack one.
    """
    found = [b""] * len(seen)
    by_size: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(seen):
        by_size.setdefault(one.counts.shape, []).append(place)
    for (counters, amount), places in by_size.items():
        grid = np.concatenate([seen[place].counts for place in places])
        widths, columns = _narrowed(grid)
        for nth, place in enumerate(places):
            one = seen[place]
            its = slice(nth * counters, (nth + 1) * counters)
            is_partial = bool(one.missing.any())
            found[place] = b"".join(
                (
                    _HEADER.pack(_FORMAT, counters, is_partial, amount),
                    widths[its],
                    one.things.tobytes(),
                    one.missing.tobytes() if is_partial else b"",
                    *columns[its],
                )
            )
    return found


def _narrowed(grid: Grid) -> tuple[bytes, list[bytes]]:
    """Return in how many bytes each number of a row fits, and the rows in those.

    Rows of nothing but 0 fit in none.
    """
    rows, amount = grid.shape
    # Of a negative number the complement needs as many bits.
    largest = np.maximum(grid.max(axis=1, initial=0), ~grid.min(axis=1, initial=0))
    widths = _WIDTH_OF[np.searchsorted(_BEYOND, largest, side="right")]
    widths[~grid.any(axis=1)] = 0
    columns = [b""] * rows
    for width, kind in _WIDTHS.items():
        its = np.flatnonzero(widths == width)
        packed = grid[its].astype(kind).tobytes()
        size = width * amount
        for nth, row in enumerate(its.tolist()):
            columns[row] = packed[nth * size : (nth + 1) * size]
    return widths.tobytes(), columns


def unpack(packed: Sequence[bytes], *, counters: int) -> Observations:
    """Return what several looks saw, one after the other.

    Raises:
        ValueError: a release with another format has written it.
    """
    heads = [_HEADER.unpack_from(one) for one in packed]
    for version, *_ in heads:
        if version != _FORMAT:
            raise ValueError(f"observations of format {version} are not known here")
    sizes = [head[3] for head in heads]
    if packed and sizes.count(sizes[0]) == len(sizes):
        return _unpack_alike(packed, counters, sizes[0])
    parts = [
        _unpack_alike([one], counters, size)
        for one, size in zip(packed, sizes, strict=True)
    ]
    return Observations(
        np.concatenate([part.things for part in parts])
        if parts
        else np.empty(0, np.int64),
        np.repeat(np.arange(len(sizes)), sizes),
        np.concatenate([part.counts for part in parts], axis=1)
        if parts
        else np.zeros((counters, 0), np.int64),
        np.concatenate([part.missing for part in parts])
        if parts
        else np.zeros(0, np.uint8),
    )


def _unpack_alike(packed: Sequence[bytes], counters: int, amount: int) -> Observations:
    """Return what looks saw that are at as many things each."""
    looks = len(packed)
    things = np.empty((looks, amount), np.int64)
    counts = np.zeros((counters, looks, amount), np.int64)
    missing = np.zeros((looks, amount), np.uint8)
    by_shape: dict[bytes, list[int]] = {}
    for place, one in enumerate(packed):
        by_shape.setdefault(one[: _HEADER.size + counters], []).append(place)
    for shape, places in by_shape.items():
        is_all = len(places) == looks
        at = slice(None) if is_all else np.array(places)
        told = np.frombuffer(
            b"".join(packed if is_all else [packed[place] for place in places]),
            _layout_of(shape, amount),
        )
        things[at] = told["things"]
        if shape[2]:
            missing[at] = told["missing"]
        for number, width in enumerate(shape[_HEADER.size :]):
            if width:
                counts[number, at] = told[f"{number}"]
    return Observations(
        things.reshape(-1),
        np.repeat(np.arange(looks), amount),
        counts.reshape(counters, -1),
        missing.reshape(-1),
        alike=amount if (things == things[0]).all() else 0,
    )


@lru_cache
def _layout_of(shape: bytes, amount: int) -> np.dtype[np.void]:
    """Return where what stands in a packed look that begins with these bytes."""
    columns: list[tuple[str, Any, tuple[int]]] = [("things", "<i8", (amount,))]
    if shape[2]:
        columns.append(("missing", np.uint8, (amount,)))
    columns += [
        (f"{number}", _WIDTHS[width], (amount,))
        for number, width in enumerate(shape[_HEADER.size :])
        if width
    ]
    return np.dtype([("shape", f"V{len(shape)}"), *columns])
