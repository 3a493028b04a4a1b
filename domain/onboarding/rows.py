"""Rows of pasted text or of a CSV file: their cells, and the line of each."""

import re
from collections.abc import Iterator

import msgspec

from domain.onboarding.errors import TooManyCellsError

MOST_CELLS = 10_000

_LINE_END = re.compile(r"\r\n|\n|\r")
_QUOTE = '"'


class PastedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row; ``line`` is the number of its first line, from 1.

    ``text`` is the row as it was written. ``cells`` have no blanks around them and no
    quotes. ``is_broken`` says that a quote is not closed, or that text follows it in
    its cell; then the row is its first line, in one cell.
    """

    line: int
    text: str
    cells: tuple[str, ...]
    is_broken: bool = False

    @property
    def is_blank(self) -> bool:
        return not any(self.cells)


def rows_in(text: str, *, separators: str) -> Iterator[PastedRow]:
    """Yield the rows of a text, in which any of the separators ends a cell.

    A cell in double quotes may have separators, line breaks, and quotes written twice.
    A byte-order mark at the beginning does not belong to the text.

    Raises:
        TooManyCellsError: a row has more than ``MOST_CELLS``.
    """
    text = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    ends = f"{separators}\n"
    plain_cell = re.compile(f"[^{re.escape(ends)}]*")
    line, begin = 1, 0
    while begin < len(text):
        cells: list[str] = []
        at, is_broken = begin, False
        while True:
            cell, at = _cell(text, at, plain_cell, ends)
            if cell is None:
                is_broken = True
                break
            cells.append(cell)
            if len(cells) > MOST_CELLS:
                raise TooManyCellsError(line=line, most=MOST_CELLS)
            if at >= len(text) or text[at] == "\n":
                break
            at += 1
        if is_broken:
            at = text.find("\n", begin)
            at = len(text) if at < 0 else at
            cells = [text[begin:at].strip()]
        written = text[begin:at]
        yield PastedRow(
            line=line, text=written.strip(), cells=tuple(cells), is_broken=is_broken
        )
        line += written.count("\n") + 1
        begin = at + 1


def _cell(
    text: str, at: int, plain_cell: re.Pattern[str], ends: str
) -> tuple[str | None, int]:
    """Return the cell that begins at a place, and the place where the cell ends.

    The cell is None if its quotes cannot be read.
    """
    plain = plain_cell.match(text, at)
    assert plain is not None, "it may be empty"
    if not plain[0].lstrip(" ").startswith(_QUOTE):
        return plain[0].strip(), plain.end()
    place = text.index(_QUOTE, at) + 1
    parts: list[str] = []
    while True:
        close = text.find(_QUOTE, place)
        if close < 0:
            return None, at
        parts.append(text[place:close])
        if not text.startswith(_QUOTE, close + 1):
            break
        parts.append(_QUOTE)
        place = close + 2
    after = close + 1
    while after < len(text) and text[after] == " ":
        after += 1
    if after < len(text) and text[after] not in ends:
        return None, at
    return "".join(parts).strip(), after
