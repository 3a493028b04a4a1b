"""The rows of summaries: a part of the list as JSON, or the whole list as CSV."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Generic, TypeVar, get_args, get_type_hints

from litestar.di import Provide
from msgspec import Struct

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.responses import CountedList
from api.routes.aggregate.parameters import (
    DEFAULT_LIMIT,
    ListFormat,
    RowsLimit,
    RowsOffset,
    no_point,
    provide_summary,
)

T = TypeVar("T")
R = TypeVar("R", bound=Struct)


class RowsPart(Struct, frozen=True, kw_only=True):
    """The requested part of a list: some rows, or all of them as CSV."""

    limit: int
    offset: int
    is_csv: bool

    def of(self, rows: Sequence[T]) -> list[T]:
        if self.is_csv:
            return list(rows)
        return list(rows[self.offset : self.offset + self.limit])

    def answer(
        self, kind: type[R], rows: list[R], *, total_count: int, name: str
    ) -> CountedList[R]:
        """Return the answer with the rows of the part; ``name`` names the CSV file."""
        if self.is_csv:
            return CsvRows(kind, rows, name=name)
        return CountedList(
            rows, total_count=total_count, limit=self.limit, offset=self.offset
        )


def provide_part(
    limit: RowsLimit = DEFAULT_LIMIT,
    offset: RowsOffset = 0,
    format_: ListFormat = "json",
) -> RowsPart:
    """Read the parameters of a list that is read by offset."""
    return RowsPart(limit=limit, offset=offset, is_csv=format_ == "csv")


SUMMARY = {
    "summary": Provide(provide_summary),
    "part": Provide(provide_part, sync_to_thread=False),
    "point": Provide(no_point, sync_to_thread=False),
}
"""The dependencies of routes of summaries."""


class CsvRows(CountedList[R], Generic[R]):
    """All rows of a list as a CSV file, with a column for each field of a row."""

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(self, kind: type[R], rows: list[R], *, name: str) -> None:
        super().__init__(rows, total_count=len(rows), limit=len(rows), offset=0)
        self._kind = kind
        self.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'

    def encoded_body(self) -> bytes:
        return csv_of(self._kind, self.content).encode()


def csv_of(kind: type[Struct], rows: Sequence[Struct]) -> str:
    """All rows of a list as a CSV file, with a column for each field."""
    return csv_text(_columns(kind), (_values(kind, row) for row in rows))


def _columns(kind: type[Struct]) -> Iterator[str]:
    for name, inner in _fields(kind):
        if inner is None:
            yield name
        else:
            yield from (f"{name}_{column}" for column in _columns(inner))


def _values(kind: type[Struct], row: Struct | None) -> Iterator[object]:
    """Return the value of each column; all are None without a row."""
    for name, inner in _fields(kind):
        value = None if row is None else getattr(row, name)
        if inner is None:
            yield value
        else:
            yield from _values(inner, value)


@cache
def _fields(kind: type[Struct]) -> list[tuple[str, type[Struct] | None]]:
    """Return the fields, with the type of those that have columns of their own."""
    types = get_type_hints(kind)
    return [(name, _inner(types[name])) for name in kind.__struct_fields__]


def _inner(type_: object) -> type[Struct] | None:
    """Return the struct that a type is, or is if it is not null."""
    for one in get_args(type_) or (type_,):
        if isinstance(one, type) and issubclass(one, Struct):
            return one
    return None
