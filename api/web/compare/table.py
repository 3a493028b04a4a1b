"""The compared numbers as a CSV table: a row for each day, a column for each line."""

import csv
import io

from api.http.csv_cells import text_cell
from api.routes.analytics.responses import Analytics


def table_of(answer: Analytics) -> str:
    """Return the table, with empty cells for unknown values.

    An apostrophe is put before text that a spreadsheet would read as a formula.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    labels = (one.entity_ref.label or one.entity_ref.id for one in answer.series)
    writer.writerow([answer.granularity, *map(text_cell, labels)])
    for points in zip(*(one.points for one in answer.series), strict=True):
        values = ("" if point.value is None else repr(point.value) for point in points)
        writer.writerow([points[0].date.isoformat(), *values])
    return file.getvalue()
