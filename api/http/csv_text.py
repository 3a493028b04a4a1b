"""CSV: text from outside must not become a formula, and times are as in JSON."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

CSV_MEDIA_TYPE: Final = b"text/csv; charset=utf-8"

# Spreadsheets read a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text_cell(text: str) -> str:
    """Return the text, with an apostrophe before a text that would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def time_cell(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return rows of values as CSV.

    An apostrophe is put before text that a spreadsheet would read as a formula.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)
    return file.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401 - any value of a field
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return text_cell(value)
        case int() | float():
            return repr(value)
        case datetime():
            return time_cell(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
