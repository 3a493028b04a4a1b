"""Creators in pasted text: the creator of each line, or the problem with the line.

Nothing is guessed. A word is a handle if it begins with @, is the address of a profile,
stands in a column with a heading of handles, or is in a plain list of handles.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from domain.messages import TrackingMode
from domain.onboarding.cells import (
    SHOWN,
    LineProblemError,
    account,
    day_in,
    email_in,
    metadata_in,
    mode_in,
    read_handle,
    tags_in,
)
from domain.onboarding.columns import (
    Column,
    Field,
    columns_of,
    is_marked,
    lacks_handles,
)
from domain.onboarding.errors import NoHandleColumnError, TooManyLinesError
from domain.onboarding.rows import PastedRow, rows_in

MOST_LINES = 2_000

_SEPARATORS = "\t;,"

_NO_HANDLE = (
    "names no handle: write it with @ before it, or put the heading Handle over its "
    "column"
)


class PastedCreator(msgspec.Struct, frozen=True, kw_only=True):
    """A creator as a line describes it; other fields are unset.

    ``campaign`` is the name or id as written.
    """

    handle: str
    tags: list[str] | UnsetType = UNSET
    campaign: str | None = None
    tracking_mode: TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET
    contact_email: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    readme: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class PastedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A creator in a line of the text, or the problem with the line.

    ``line`` counts from 1, and ``text`` is the line as it was written. A line that
    lists several handles appears once for each of them, with the text of that handle.
    """

    line: int
    text: str
    creator: PastedCreator | None = None
    problem: str | None = None


class Pasted(msgspec.Struct, frozen=True, kw_only=True):
    """A text that was read; ``columns`` is empty if it has no row of headings.

    ``heading`` is the row of headings as it was written.
    """

    columns: tuple[Column, ...] = ()
    heading: str = ""
    lines: list[PastedLine] = []


def read_pasted(text: str, *, keeps_columns: bool = False) -> Pasted:
    """Return the creators in a text: a list of handles, rows of a spreadsheet, or CSV.

    With ``keeps_columns``, columns with unknown headings become metadata under their
    headings. Among lines with the same handle, the first counts.

    Raises:
        TooManyLinesError: there are more than ``MOST_LINES``.
        TooManyCellsError: a line has more than ``MOST_CELLS``.
        NoHandleColumnError: a table has headings, but none for handles.
    """
    table = _table(text)
    if table is None:
        found = Pasted(lines=_in_time(_listed(text)))
    else:
        columns, rows = table
        found = Pasted(
            columns=columns,
            heading=rows[0].text,
            lines=_in_time(
                _row_of_table(row, columns, keeps_columns=keeps_columns)
                for row in rows[1:]
            ),
        )
    return msgspec.structs.replace(found, lines=_each_once(found.lines))


def _table(text: str) -> tuple[tuple[Column, ...], list[PastedRow]] | None:
    """Return the columns and the rows, the heading first; None without a heading.

    Raises:
        NoHandleColumnError: there is a heading, but none for handles.
    """
    best: tuple[tuple[Column, ...], str] | None = None
    is_headed = False
    for separator in _SEPARATORS:
        begin = [*islice(_rows(text, separator), 2)]
        if not begin:
            return None
        columns = columns_of(begin[0])
        is_headed = is_headed or (len(begin) > 1 and lacks_handles(begin[0]))
        if columns and (best is None or _known(columns) > _known(best[0])):
            best = columns, separator
    if best is None and is_headed:
        raise NoHandleColumnError
    if best is None:
        return None
    columns, separator = best
    rows: list[PastedRow] = []
    for row in _rows(text, separator):
        rows.append(row)
        if len(rows) > MOST_LINES + 1:
            raise TooManyLinesError(most=MOST_LINES)
    return columns, rows


def _known(columns: Sequence[Column]) -> int:
    return sum(column.field is not None for column in columns)


def _rows(text: str, separators: str) -> Iterator[PastedRow]:
    return (row for row in rows_in(text, separators=separators) if not row.is_blank)


def _in_time(lines: Iterator[PastedLine]) -> list[PastedLine]:
    found: list[PastedLine] = []
    for line in lines:
        found.append(line)
        if len(found) > MOST_LINES:
            raise TooManyLinesError(most=MOST_LINES)
    return found


def _each_once(lines: Sequence[PastedLine]) -> list[PastedLine]:
    first: dict[str, int] = {}
    found: list[PastedLine] = []
    for line in lines:
        if line.creator is not None:
            handle = line.creator.handle
            if handle in first:
                problem = f"@{handle} is in line {first[handle]} already"
                found.append(_refused(line, problem))
                continue
            first[handle] = line.line
        found.append(line)
    return found


def _refused(line: PastedLine | PastedRow, problem: str) -> PastedLine:
    return PastedLine(line=line.line, text=line.text, problem=problem)


# a list, or rows without headings


def _listed(text: str) -> Iterator[PastedLine]:
    for row in _rows(text, _SEPARATORS):
        if row.is_broken:
            yield _refused(row, _BROKEN)
            continue
        try:
            names = _named(row)
        except LineProblemError as error:
            yield _refused(row, str(error))
            continue
        for name in names:
            written = row.text if len(names) == 1 else name
            try:
                creator = PastedCreator(handle=read_handle(name))
            except LineProblemError as error:
                yield PastedLine(line=row.line, text=written, problem=str(error))
            else:
                yield PastedLine(line=row.line, text=written, creator=creator)


def _named(row: PastedRow) -> list[str]:
    """Return the texts of a row that must be handles.

    Raises:
        LineProblemError: it is not clear which texts are handles.
    """
    cells = [cell.split() for cell in row.cells if cell]
    if not _is_of_a_table(row, cells):
        return [
            name
            for words in cells
            for name in (words if all(map(is_marked, words)) else [" ".join(words)])
        ]
    # In a cell with a name, the handle comes last; in '@lou lou' it is not clear.
    marked = [words for words in cells if any(map(is_marked, words))]
    names: list[str] = []
    for words in marked:
        at = next(n for n, word in enumerate(words) if is_marked(word))
        names += words[at:] if all(map(is_marked, words[at:])) else [" ".join(words)]
    if not names:
        raise LineProblemError(_NO_HANDLE)
    accounts = {account(name): name for name in reversed(names)}
    if len(marked) < len(cells) and len(accounts) > 1:
        shown = ", ".join(name[:SHOWN] for name in names)
        msg = f"names several: {shown}. Put the heading Handle over the column"
        raise LineProblemError(msg)
    return list(accounts.values())[::-1]


def _is_of_a_table(row: PastedRow, cells: Sequence[Sequence[str]]) -> bool:
    """Tell whether a row has more than handles, such as names, prices and addresses."""
    if len(cells) == 1:
        return False
    if "\t" in row.text:
        return True
    has_names = any(len(w) > 1 and not all(map(is_marked, w)) for w in cells)
    return has_names and any(is_marked(word) for words in cells for word in words)


# rows under headings


def _row_of_table(
    row: PastedRow, columns: Sequence[Column], *, keeps_columns: bool
) -> PastedLine:
    try:
        creator = _creator(row, columns, keeps_columns=keeps_columns)
    except LineProblemError as error:
        return _refused(row, str(error))
    return PastedLine(line=row.line, text=row.text, creator=creator)


def _creator(
    row: PastedRow, columns: Sequence[Column], *, keeps_columns: bool
) -> PastedCreator:
    if row.is_broken:
        raise LineProblemError(_BROKEN)
    if any(row.cells[len(columns) :]):
        msg = f"has {len(row.cells)} values under {len(columns)} headings"
        raise LineProblemError(msg)
    said: dict[Field, str] = {}
    others: dict[str, Any] = {}
    for column, cell in zip(columns, row.cells, strict=False):
        if not cell:
            continue
        if column.field is not None:
            said[column.field] = cell
        elif column.heading:
            others.setdefault(column.heading, cell)
    if "handle" not in said:
        msg = "has no handle in its column"
        raise LineProblemError(msg)
    metadata = metadata_in(said.get("metadata"))
    if keeps_columns and others:
        metadata = {**others, **({} if metadata is UNSET else metadata)}
    return PastedCreator(
        handle=read_handle(said["handle"]),
        tags=tags_in(said.get("tags")),
        campaign=said.get("campaign"),
        tracking_mode=mode_in(said.get("tracking_mode")),
        tracking_start_date=day_in(said.get("tracking_start_date"), "start date"),
        tracking_end_date=day_in(said.get("tracking_end_date"), "end date"),
        contact_email=email_in(said.get("contact_email")),
        description=said.get("description", UNSET),
        readme=said.get("notes", UNSET),
        metadata=metadata,
    )


_BROKEN = "has a quotation mark that is not closed, or text after one"
