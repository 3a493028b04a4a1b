"""Packs the counts of a snapshot into bytes, and unpacks many snapshots at once."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np

from projections.analytics.fold.columns import Grid, Observations, ObservedCounts
from projections.analytics.fold.levels import Levels

_FORMAT = 1
# Format, counters, is any missing, observations; then a width for each counter.
_HEADER = struct.Struct("<BB?I")
_WIDTHS = {
    1: np.dtype("<i1"),
    2: np.dtype("<i2"),
    4: np.dtype("<i4"),
    8: np.dtype("<i8"),
}
_WIDTH_OF = np.array([*_WIDTHS], np.uint8)
_BEYOND = np.array([1 << 7, 1 << 15, 1 << 31], np.int64)


def pack(observed: ObservedCounts) -> bytes:
    """Return counts as bytes. Each counter takes as few bytes as its values allow."""
    return pack_all([observed])[0]


def pack_all(observed: Sequence[ObservedCounts]) -> list[bytes]:
    """Return the counts of each snapshot as bytes.

    Snapshots with the same number of videos are packed together, because a call of
    numpy takes longer than packing one snapshot.
    """
    found = [b""] * len(observed)
    by_size: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(observed):
        by_size.setdefault(one.counts.shape, []).append(place)
    for (counters, amount), places in by_size.items():
        grid = np.concatenate([observed[place].counts for place in places])
        widths, columns = _narrowed(grid)
        for nth, place in enumerate(places):
            one = observed[place]
            its = slice(nth * counters, (nth + 1) * counters)
            is_partial = bool(one.missing.any())
            found[place] = b"".join(
                (
                    _HEADER.pack(_FORMAT, counters, is_partial, amount),
                    widths[its],
                    one.video_numbers.tobytes(),
                    one.missing.tobytes() if is_partial else b"",
                    *columns[its],
                )
            )
    return found


def pack_levels(levels: Iterable[Levels]) -> list[bytes]:
    """Return levels as bytes; what is unknown of a level is missing of a snapshot."""
    return pack_all(
        [ObservedCounts(one.video_numbers, one.counts, one.unknown) for one in levels]
    )


def _narrowed(grid: Grid) -> tuple[bytes, list[bytes]]:
    """Return the bytes that a number of each row needs, and the narrowed rows.

    Rows of zeros have the width 0.
    """
    rows, amount = grid.shape
    # A negative number needs as many bits as its complement.
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


def packed_video_numbers(packed: bytes) -> bytes:
    """Return the packed numbers of a packed snapshot's videos.

    Raises:
        ValueError: as ``unpack`` does.
    """
    version, counters, _, amount = _HEADER.unpack_from(packed)
    _check_format(version)
    begin = _HEADER.size + counters
    return packed[begin : begin + 8 * amount]


def unpack(packed: Sequence[bytes], *, counters: int) -> Observations:
    """Return the observations of several packed snapshots, one after the other.

    Raises:
        ValueError: the bytes were written in a format that this release does not know.
    """
    header = packed[0][: _HEADER.size + counters] if packed else b""
    # Most snapshots of many owners say the same of themselves.
    if packed and all(map(bytes.startswith, packed, repeat(header))):
        version, _, _, size = _HEADER.unpack_from(header)
        _check_format(version)
        every = {header: range(len(packed))}
        return _unpack_same_size(packed, counters, size, every)
    heads = [*map(_HEADER.unpack_from, packed)]
    for version in {head[0] for head in heads}:
        _check_format(version)
    sizes = [head[3] for head in heads]
    if packed and sizes.count(sizes[0]) == len(sizes):
        return _unpack_same_size(
            packed, counters, sizes[0], _by_header(packed, counters)
        )
    # Snapshots of one size are unpacked together, and put into their places.
    begins = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    video_numbers = np.empty(begins[-1], np.int64)
    counts = np.zeros((counters, len(video_numbers)), np.int64)
    missing = np.zeros(len(video_numbers), np.uint8)
    by_size: dict[int, list[int]] = {}
    for place, size in enumerate(sizes):
        by_size.setdefault(size, []).append(place)
    for size, places in by_size.items():
        those = [packed[place] for place in places]
        its = _unpack_same_size(those, counters, size, _by_header(those, counters))
        at = (begins[places][:, np.newaxis] + np.arange(size)).reshape(-1)
        video_numbers[at] = its.video_numbers
        counts[:, at] = its.counts
        missing[at] = its.missing
    return Observations(
        video_numbers, np.repeat(np.arange(len(sizes)), sizes), counts, missing
    )


def unpack_levels(packed: bytes, *, counters: int) -> Levels:
    """Return the levels in what ``pack_levels`` made of them."""
    observed = unpack([packed], counters=counters)
    return Levels(observed.video_numbers, observed.counts, observed.missing)


def _check_format(version: int) -> None:
    if version != _FORMAT:
        raise ValueError(f"observations of format {version} are not known here")


def _by_header(packed: Sequence[bytes], counters: int) -> dict[bytes, list[int]]:
    """Return the indexes of packed snapshots by the header with which they begin."""
    found: dict[bytes, list[int]] = {}
    for place, one in enumerate(packed):
        found.setdefault(one[: _HEADER.size + counters], []).append(place)
    return found


def _unpack_same_size(
    packed: Sequence[bytes],
    counters: int,
    amount: int,
    by_header: Mapping[bytes, Sequence[int]],
) -> Observations:
    """Return the observations of packed snapshots of equally many videos each."""
    snapshots = len(packed)
    video_numbers = np.empty((snapshots, amount), np.int64)
    counts = np.zeros((counters, snapshots, amount), np.int64)
    missing = np.zeros((snapshots, amount), np.uint8)
    for header, places in by_header.items():
        is_all = len(places) == snapshots
        at = slice(None) if is_all else np.array(places)
        rows = np.frombuffer(
            b"".join(packed if is_all else [packed[place] for place in places]),
            _layout_of(header, amount),
        )
        video_numbers[at] = rows["video_numbers"]
        if header[2]:
            missing[at] = rows["missing"]
        for number, width in enumerate(header[_HEADER.size :]):
            if width:
                counts[number, at] = rows[f"{number}"]
    return Observations(
        video_numbers.reshape(-1),
        np.repeat(np.arange(snapshots), amount),
        counts.reshape(counters, -1),
        missing.reshape(-1),
        same_videos=amount if (video_numbers == video_numbers[0]).all() else 0,
    )


@lru_cache
def _layout_of(header: bytes, amount: int) -> np.dtype[np.void]:
    """Return the layout of a packed snapshot that begins with this header."""
    columns: list[tuple[str, Any, tuple[int]]] = [("video_numbers", "<i8", (amount,))]
    if header[2]:
        columns.append(("missing", np.uint8, (amount,)))
    columns += [
        (f"{number}", _WIDTHS[width], (amount,))
        for number, width in enumerate(header[_HEADER.size :])
        if width
    ]
    return np.dtype([("header", f"V{len(header)}"), *columns])
