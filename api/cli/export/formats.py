"""The formats of exports: rows as JSON Lines, as CSV and as Parquet."""

import csv
import importlib
import io
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, BinaryIO, Generic, Literal, Protocol, Self, TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from api.cli import CommandError
from api.http.csv_text import text_cell, time_cell

Format = Literal["jsonl", "csv", "parquet"]
Kind = Literal["text", "integer", "double", "time", "date", "flag", "texts"]
Cell = str | int | float | bool | UUID | datetime | date | Raw | tuple[str, ...] | None

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

# Readers of Parquet load a row group at once, and the writer holds one in memory.
_ROWS_IN_A_GROUP = 65_536
_BYTES_IN_A_GROUP = 32 << 20
# Rows in Python are far larger than rows in Arrow, and an event may have 60 kB.
_ROWS_AT_ONCE = 256


class Layout(Struct, Generic[T], frozen=True, kw_only=True):
    """The form of a record as a line of JSON, and as a row of cells.

    ``columns`` has the names in order, each with its type. ``day`` is the day that a
    record belongs to, and ``is_in_order`` says that records come day by day.
    """

    columns: dict[str, Kind]
    lines: Callable[[Sequence[T]], bytes]
    row: Callable[[T], tuple[Cell, ...]]
    day: Callable[[T], date]
    is_in_order: bool = True


class Writer(Protocol[T_contra]):
    """Writes records to a file; leaving it completes the file."""

    @abstractmethod
    def write(self, records: Sequence[T_contra]) -> None: ...

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def writer_of(format_: Format, file: BinaryIO, layout: Layout[T]) -> Writer[T]:
    match format_:
        case "jsonl":
            return _JsonLines(file, layout)
        case "csv":
            return _Csv(file, layout)
        case "parquet":
            return _Parquet(file, layout)


class _JsonLines(Writer[T]):
    def __init__(self, file: BinaryIO, layout: Layout[T]) -> None:
        self._file = file
        self._lines = layout.lines

    def write(self, records: Sequence[T]) -> None:
        self._file.write(self._lines(records))

    def __exit__(self, *_: object) -> None:
        pass


class _Csv(Writer[T]):
    def __init__(self, file: BinaryIO, layout: Layout[T]) -> None:
        self._file = file
        self._row = layout.row
        self._to_text = [_CELL_TEXTS[kind] for kind in layout.columns.values()]
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(layout.columns)
        self._flush()

    def write(self, records: Sequence[T]) -> None:
        to_text = self._to_text
        self._writer.writerows(
            [
                None if cell is None else show(cell)
                for show, cell in zip(to_text, self._row(record), strict=True)
            ]
            for record in records
        )
        self._flush()

    def __exit__(self, *_: object) -> None:
        pass

    def _flush(self) -> None:
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


class _Parquet(Writer[T]):
    def __init__(self, file: BinaryIO, layout: Layout[T]) -> None:
        # The library is imported only for Parquet, because that takes long.
        self._arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
        arrow = self._arrow
        types = {
            "text": arrow.string(),
            "integer": arrow.int64(),
            "double": arrow.float64(),
            "time": arrow.timestamp("us", tz="UTC"),
            "date": arrow.date32(),
            "flag": arrow.bool_(),
            "texts": arrow.list_(arrow.string()),
        }
        self._schema = arrow.schema(
            [(name, types[kind]) for name, kind in layout.columns.items()]
        )
        self._texts = [kind == "text" for kind in layout.columns.values()]
        self._row = layout.row
        self._rows: list[tuple[Cell, ...]] = []
        self._batches: list[Any] = []
        self._batched_rows = 0
        self._batched_bytes = 0
        self._writer: Any = parquet.ParquetWriter(
            file, self._schema, compression="zstd"
        )

    def write(self, records: Sequence[T]) -> None:
        for record in records:
            self._rows.append(self._row(record))
            if len(self._rows) >= _ROWS_AT_ONCE:
                self._pack()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._pack()
            self._end_group()
        self._writer.close()

    def _pack(self) -> None:
        """Turn the rows into columns."""
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrow = self._arrow
        try:
            arrays = [
                arrow.array(map(_plain, column) if is_text else column, type=field.type)
                for field, is_text, column in zip(
                    self._schema, self._texts, columns, strict=True
                )
            ]
        except (OverflowError, arrow.ArrowInvalid) as error:
            raise CommandError(
                "Parquet has no place for a number beyond 64 bits: choose jsonl or csv."
            ) from error
        batch = arrow.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._batches.append(batch)
        self._batched_rows += len(self._rows)
        self._batched_bytes += batch.nbytes
        self._rows = []
        if (
            self._batched_rows >= _ROWS_IN_A_GROUP
            or self._batched_bytes >= _BYTES_IN_A_GROUP
        ):
            self._end_group()

    def _end_group(self) -> None:
        if self._batches:
            table = self._arrow.Table.from_batches(self._batches, schema=self._schema)
            self._writer.write_table(table, row_group_size=self._batched_rows)
        self._batches = []
        self._batched_rows = self._batched_bytes = 0


def _plain(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return bytes(cell).decode() if isinstance(cell, Raw) else str(cell)


def _text(cell: Cell) -> str:
    return text_cell(cell if isinstance(cell, str) else _plain(cell) or "")


@lru_cache(maxsize=1_024)
def _time(cell: Cell) -> str:
    # Hundreds of successive observations have the same time.
    assert isinstance(cell, datetime)
    return time_cell(cell)


def _flag(cell: Cell) -> str:
    return "true" if cell else "false"


def _list(cell: Cell) -> str:
    return msgspec.json.encode(cell).decode()


_CELL_TEXTS: dict[Kind, Callable[[Cell], str]] = {
    "text": _text,
    "integer": repr,
    "double": repr,
    "time": _time,
    "date": str,
    "flag": _flag,
    "texts": _list,
}
