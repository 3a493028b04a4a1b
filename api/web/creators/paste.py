"""Handles in pasted text: lists of them, and rows of a spreadsheet."""

import re

from msgspec import Struct

_BETWEEN_CELLS = re.compile(r"[\t,;]")


class _PastedLine(Struct, frozen=True):
    """A line as the words of its cells that are not empty."""

    text: str
    cells: list[list[str]]

    @property
    def words(self) -> list[str]:
        return [word for words in self.cells for word in words]

    @property
    def is_row(self) -> bool:
        """Whether it is a row of a spreadsheet, which has more than handles."""
        if len(self.cells) == 1:
            return False
        has_names = any(
            len(words) > 1 and not _all_marked(words) for words in self.cells
        )
        return "\t" in self.text or (has_names and any(map(_is_marked, self.words)))


def handles_in(text: str) -> list[str]:
    """Return the handles and profile URLs in a text; other words come as they are.

    They are separated by lines or commas. Spaces separate only those that begin with @
    or are URLs, since names have spaces, too. Of a row of a spreadsheet only those are
    returned, so that no name or price is taken for a handle; where more words follow
    one in its cell, nobody can tell whom it means, and the whole cell is returned.
    """
    return [handle for line in text.splitlines() for handle in _of_line(_line_of(line))]


def _line_of(text: str) -> _PastedLine:
    cells = [cell.split() for cell in _BETWEEN_CELLS.split(text.strip())]
    return _PastedLine(text.strip(), [words for words in cells if words])


def _of_line(line: _PastedLine) -> list[str]:
    if not line.is_row:
        return [
            handle
            for words in line.cells
            for handle in (words if _all_marked(words) else [" ".join(words)])
        ]
    found = [handle for words in line.cells for handle in _of_cell(words)]
    return found or [" ".join(line.text.split())]


def _of_cell(words: list[str]) -> list[str]:
    marked = [word for word in words if _is_marked(word)]
    if marked and words[-len(marked) :] != marked:
        return [" ".join(words)]
    return marked


def _all_marked(words: list[str]) -> bool:
    return all(map(_is_marked, words))


def _is_marked(word: str) -> bool:
    return word.startswith("@") or "tiktok.com/" in word.lower()
