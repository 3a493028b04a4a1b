"""Lists with figures as CSV files."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.responses import ListPage

R = TypeVar("R", bound=Struct)


class CsvPage(ListPage[R], Generic[R]):
    """All rows of a list as a CSV file.

    ``noun`` is in the name of the file and of the column of ids. ``project_names`` fill
    the column ``project_name``.
    """

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(
        self,
        rows: list[R],
        *,
        noun: str,
        columns: Sequence[str],
        project_names: Mapping[UUID, str] | None = None,
    ) -> None:
        super().__init__(rows, limit=len(rows), next_cursor=None)
        self._rows = rows
        self._noun = noun
        self._columns = columns
        self._project_names = project_names or {}
        self.headers["Content-Disposition"] = f'attachment; filename="{noun}s.csv"'

    def encoded_body(self) -> bytes:
        known = map(self._values, self._rows)
        rows = ([values.get(name) for name in self._columns] for values in known)
        return csv_text(self._columns, rows).encode()

    def _values(self, row: R) -> dict[str, Any]:
        values = asdict(row)
        figures = {} if values["figures"] is UNSET else asdict(values["figures"])
        found = {
            **figures,
            f"{self._noun}_id": values["id"],
            "project_name": self._project_names.get(values["project_id"]),
        }
        for name, value in values.items():
            if isinstance(value, list):
                found[name] = ",".join(map(str, cast("list[object]", value)))
            elif isinstance(value, Struct):
                # Figures get a column for each of their fields, which is empty where
                # the figures are null.
                stated = asdict(value).items()
                found |= {f"{name}_{field}": each for field, each in stated}
            else:
                found[name] = value
        return found
