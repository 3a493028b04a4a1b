"""The difference of two texts by line, with a few unchanged lines around changes."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final, Literal

from msgspec import Struct

# Unchanged lines around a change.
_AROUND: Final = 3
# Comparing takes quadratic time; longer texts count as replaced completely.
_MOST_COMPARED: Final = 400


class DiffLine(Struct, frozen=True):
    """A line of a text, or the number of unchanged lines that are left out."""

    what: Literal["same", "gone", "new", "left_out"]
    text: str


def line_diff(before: str, after: str) -> list[DiffLine]:
    """Return the lines of both texts as one list, without lines far from changes."""
    old, new = _lines(before), _lines(after)
    start = _common_prefix(old, new)
    end = _common_prefix(old[start:][::-1], new[start:][::-1])
    middle = _compared(old[start : len(old) - end], new[start : len(new) - end])
    lines = [*_same(old[:start]), *middle, *_same(old[len(old) - end :])]
    return list(_near_changes(lines))


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _common_prefix(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the number of equal lines at the start."""
    pairs = zip(old, new, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    if len(old) > _MOST_COMPARED or len(new) > _MOST_COMPARED:
        yield from (DiffLine("gone", text) for text in old)
        yield from (DiffLine("new", text) for text in new)
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield from _same(old[i:j])
            continue
        yield from (DiffLine("gone", text) for text in old[i:j])
        yield from (DiffLine("new", text) for text in new[k:m])


def _same(texts: Sequence[str]) -> Iterator[DiffLine]:
    return (DiffLine("same", text) for text in texts)


def _near_changes(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    changed = [n for n, line in enumerate(lines) if line.what != "same"]
    shown = {n for at in changed for n in range(at - _AROUND, at + _AROUND + 1)}
    left_out = 0
    for n, line in enumerate(lines):
        if n not in shown:
            left_out += 1
            continue
        if left_out:
            yield _left_out(left_out)
            left_out = 0
        yield line
    if left_out:
        yield _left_out(left_out)


def _left_out(amount: int) -> DiffLine:
    noun = "line" if amount == 1 else "lines"
    return DiffLine("left_out", f"{amount:,} {noun} the same")
