"""Reads CSV files of other tools as observations, as if they were a recording."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, Self, TextIO
from zoneinfo import ZoneInfo

import msgspec

from domain.creator.handle import normalize_handle
from domain.days import time_zones
from domain.errors import InvalidHandleError, InvalidVideoUrlError
from domain.video.url import read_video_url
from workers.sources.recordings.csv_cells import CellError, Cells
from workers.sources.recordings.csv_columns import (
    ColumnsError,
    CsvColumn,
    CsvColumns,
    columns_of,
    mapping_in,
)
from workers.sources.recordings.file_format import (
    MOST_LINE_BYTES,
    BadFileError,
    BadLineError,
    Observation,
    RecordingError,
    holds_nul,
    reason_of,
)

_SEPARATORS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE = 1_000


class _CsvRows(Protocol):
    """The rows of a CSV file, and the number of lines that were read."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...

    def __iter__(self) -> Iterator[list[str]]: ...


class CsvOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of a file as its user says it.

    ``columns`` has the heading of each field, and is None for files that are known by
    their headings. ``creator`` and ``observed_at`` hold for all rows.
    """

    cells: Cells
    columns: Mapping[str, str] | None = None
    creator: str | None = None
    observed_at: datetime | None = None


def csv_options(
    mapping: str | None,
    creator: str | None,
    observed_at: datetime | None,
    last_day: date | None,
    zone_name: str,
    *,
    now: datetime,
) -> CsvOptions:
    """Return the meaning of a file from the options as they are written.

    Raises:
        ColumnsError: an option has an invalid value; the message begins with it.
    """
    if zone_name not in time_zones():
        message = (
            f"--tz: {zone_name!r} is no time zone; choose one such as Europe/Berlin."
        )
        raise ColumnsError(message, option="tz")
    zone = ZoneInfo(zone_name)
    columns = None if mapping is None else mapping_in(mapping)
    try:
        handle = None if creator is None else normalize_handle(creator)
    except InvalidHandleError as error:
        message = f"--creator: {error}"
        raise ColumnsError(message, option="creator") from None
    if observed_at is not None and observed_at.tzinfo is None:
        observed_at = observed_at.replace(tzinfo=zone)
    return CsvOptions(
        cells=Cells(zone=zone, now=now, last_day=last_day),
        columns=columns,
        creator=handle,
        observed_at=observed_at,
    )


class CsvTable:
    """A CSV file, whose headings are read on entering.

    A row may have a profile and a video at once, which are two observations. With
    ``content`` the file was sent, and ``path`` is only its name.
    """

    def __init__(
        self, path: Path, options: CsvOptions, content: bytes | None = None
    ) -> None:
        self.columns: CsvColumns
        self._path = path
        self._content = content
        self._options = options

    def __enter__(self) -> Self:
        """Open the file and read the headings.

        Raises:
            BadFileError: the file cannot be read.
            ColumnsError: its columns cannot be imported.
        """
        try:
            self._file = _opened(self._path, self._content)
        except OSError as error:
            raise BadFileError(self._path, reason_of(error)) from error
        try:
            self._rows, headings = _table(self._lines())
            self.columns = self._columns(headings)
        except (csv.Error, UnicodeError, OSError, EOFError) as error:
            self._file.close()
            raise BadFileError(self._path, _why(error)) from error
        except BaseException:
            self._file.close()
            raise
        self._width = len(headings)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def observations(
        self, *, until: datetime
    ) -> Iterator[list[Observation] | BadLineError | BadFileError]:
        """Yield the observations, as ``read_at_once`` does for a recording."""
        gathered: list[Observation] = []
        for _, read in self.rows(until=until):
            if isinstance(read, RecordingError):
                yield read
                continue
            gathered += read
            if len(gathered) >= _AT_ONCE:
                yield gathered
                gathered = []
        if gathered:
            yield gathered

    def rows(
        self, *, until: datetime
    ) -> Iterator[tuple[int, list[Observation] | BadLineError | BadFileError]]:
        """Yield the number of each row's first line, and what the row has."""
        while True:
            line = self._rows.line_num + 1
            try:
                row = next(self._rows, None)
                if row is None:
                    break
                if not any(cell.strip() for cell in row):
                    continue
                yield line, self._read(row, until)
            except (csv.Error, CellError) as error:
                column = error.column if isinstance(error, CellError) else None
                yield (
                    line,
                    BadLineError(
                        self._path,
                        line_number=line,
                        reason=str(error),
                        column=column,
                    ),
                )
            except (UnicodeError, OSError, EOFError) as error:
                yield line, BadFileError(self._path, _why(error))
                break

    def _columns(self, headings: Sequence[str]) -> CsvColumns:
        try:
            return columns_of(
                headings,
                self._options.columns,
                has_creator=self._options.creator is not None,
                has_time=self._options.observed_at is not None,
            )
        except ColumnsError as error:
            error.headings = headings
            raise

    def _lines(self) -> Iterator[str]:
        # A quote that is not closed would make the rest of the file one line.
        while line := self._file.readline(MOST_LINE_BYTES + 1):
            if len(line) > MOST_LINE_BYTES:
                raise BadFileError(
                    self._path, f"A line is longer than {MOST_LINE_BYTES:,} characters"
                )
            yield line

    def _read(self, row: Sequence[str], until: datetime) -> list[Observation]:
        if len(row) > self._width:
            message = f"has {len(row)} values under {self._width} headings"
            raise CellError(message)
        options = self._options
        stated: dict[str, dict[str, Any]] = {"line": {}}
        for column in self.columns.read:
            cell = row[column.index].strip() if column.index < len(row) else ""
            if not cell:
                continue
            value = self._value(column, cell)
            if value is not None:
                stated.setdefault(column.field.place, {})[column.field.name] = value
        line = stated["line"]
        if options.observed_at is not None:
            line["observed_at"] = options.observed_at
        if options.creator is not None:
            line["handle"] = options.creator
        elif "handle" not in line and (owner := self._owner(row)) is not None:
            line["handle"] = owner
        video, profile = stated.get("video", {}), stated.get("profile", {})
        if sound := stated.get("sound"):
            video["sound"] = sound
        if video and "tiktok_video_id" not in video:
            message = "has numbers of a video, and names no video"
            raise CellError(message)
        is_ordered = line.pop("in_log_order", False)
        made: list[dict[str, Any]] = []
        if profile:
            made.append({**line, "profile": profile, "in_log_order": is_ordered})
        if video:
            made.append({**line, "video": video})
        outcome = line.pop("outcome", None)
        if outcome is not None:
            made = [{**line, "outcome": outcome}]
        return [self._observation(each, until) for each in made]

    def _value(self, column: CsvColumn, cell: str) -> Any:  # noqa: ANN401 - of any field
        if self.columns.has_escaped_text and cell[1:].startswith(_FORMULA):
            cell = cell.removeprefix("'")
        try:
            return column.field.read(cell, self._options.cells)
        except CellError as error:
            message = f"{column.heading} {error}"
            raise CellError(message, column=column.heading) from None

    def _owner(self, row: Sequence[str]) -> str | None:
        """Return the handle in the address of the row's video."""
        for column in self.columns.read:
            if column.field.name == "tiktok_video_id" and column.index < len(row):
                try:
                    return read_video_url(row[column.index]).handle
                except InvalidVideoUrlError:
                    return None
        return None

    def _observation(self, made: dict[str, Any], until: datetime) -> Observation:
        for name, what in (("handle", "creator"), ("observed_at", "time")):
            if name not in made:
                message = f"has no {what}"
                raise CellError(message)
        try:
            observation = msgspec.convert(made, Observation)
        except msgspec.ValidationError as error:
            raise self._cell_error(str(error)) from None
        if holds_nul(observation):
            message = "NUL characters cannot be kept"
            raise CellError(message)
        if observation.observed_at > until:
            message = f"{observation.observed_at.isoformat()} is in the future"
            raise CellError(message)
        return observation

    def _cell_error(self, problem: str) -> CellError:
        """Return the problem with the heading of its column."""
        reason, _, place = problem.partition(" - at `$.")
        name = place.rstrip("`").rpartition(".")[2]
        for column in self.columns.read:
            if column.field.name == name:
                message = f"{column.heading}: {reason}"
                return CellError(message, column=column.heading)
        return CellError(problem)


def _opened(path: Path, content: bytes | None) -> TextIO:
    if content is not None:
        return io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    if path.suffix == ".gz":
        packed = gzip.open(path, "rb")  # noqa: SIM115 - closed by its reader
        return io.TextIOWrapper(packed, "utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _table(lines: Iterator[str]) -> tuple[_CsvRows, list[str]]:
    """Return the reader of the rows, and the headings."""
    first = next(lines, "")
    separator = max(_SEPARATORS, key=lambda each: _width(first, each))

    def again() -> Iterator[str]:
        yield first
        yield from lines

    rows = _rows(again(), separator)
    headings = [cell.strip() for cell in next(rows, list[str]())]
    if not any(headings):
        message = "The file has no row of headings."
        raise ColumnsError(message)
    return rows, headings


def _width(line: str, separator: str) -> int:
    try:
        return len(next(_rows(iter([line]), separator), list[str]()))
    except csv.Error:
        return 0


def _rows(lines: Iterator[str], separator: str) -> _CsvRows:
    return csv.reader(lines, delimiter=separator, strict=True)


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "The text is not UTF-8: save the file as CSV UTF-8"
    return reason_of(error)
