"""Two texts side by side, line by line: what only one of them has."""

from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

Sign = Literal["same", "stored", "typed", "left_out"]

_MAX_LINES = 1_000
_AROUND = 2


class Line(Struct, frozen=True):
    """A line that both texts have or one of them; or how many alike were left out."""

    sign: Sign
    text: str


def line_diff(stored: str, typed: str) -> list[Line] | None:
    """Return the lines that differ and some around them; None if it is too much."""
    before, after = stored.split("\n"), typed.split("\n")
    if max(len(before), len(after)) > _MAX_LINES:
        return None
    lines: list[Line] = []
    found = SequenceMatcher(None, before, after).get_opcodes()
    for number, (kind, i, j, k, m) in enumerate(found):
        if kind == "equal":
            is_last = number == len(found) - 1
            lines += _shortened(before[i:j], is_first=number == 0, is_last=is_last)
            continue
        lines += [Line("stored", text) for text in before[i:j]]
        lines += [Line("typed", text) for text in after[k:m]]
    return lines


def _shortened(alike: list[str], *, is_first: bool, is_last: bool) -> list[Line]:
    head = 0 if is_first else _AROUND
    tail = 0 if is_last else _AROUND
    left_out = len(alike) - head - tail
    if left_out <= 1:
        return [Line("same", text) for text in alike]
    return [
        *(Line("same", text) for text in alike[:head]),
        Line("left_out", f"{left_out} lines alike"),
        *(Line("same", text) for text in alike[len(alike) - tail :]),
    ]
