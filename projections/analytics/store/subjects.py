"""Table analytics_subjects: creators, projects and campaigns."""

from collections.abc import Sequence

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.entities import SubjectRow
from projections.analytics.store.statements import PARTITION, execute
from projections.engine.table import Table

SUBJECTS = Table(SubjectRow, name="analytics_subjects")
# Most slices leave the row of a creator as it is, and need not lock it.
_ADD = """
INSERT INTO analytics_subjects AS held
SELECT * FROM json_populate_recordset(NULL::analytics_subjects, %s::json) AS input
WHERE NOT EXISTS (
    SELECT FROM analytics_subjects AS known
    WHERE (known.organization_id, known.id) = (input.organization_id, input.id)
      AND (input.kind IS NULL OR known.kind IS NOT NULL)
      AND (input.kind IS DISTINCT FROM 'erased' OR known.kind = 'erased')
      AND (input.erased_position IS NULL OR known.erased_position IS NOT NULL)
      AND (input.project_id IS NULL OR known.project_id IS NOT NULL)
      AND (input.origin_project_id IS NULL OR known.origin_project_id IS NOT NULL)
      AND known.project_position >= input.project_position
      AND (input.position IS NULL OR known.position IS NOT NULL)
      AND (input.deleted_position IS NULL OR known.deleted_position IS NOT NULL)
      AND (input.earliest_at IS NULL OR known.earliest_at <= input.earliest_at)
      AND known.label_position >= input.label_position
)
ON CONFLICT (organization_id, id) DO UPDATE SET
    kind = CASE WHEN excluded.kind = 'erased' THEN 'erased'
        ELSE coalesce(held.kind, excluded.kind) END,
    erased_position = coalesce(held.erased_position, excluded.erased_position),
    erased_time_zone = coalesce(held.erased_time_zone, excluded.erased_time_zone),
    project_id = CASE WHEN excluded.project_position > held.project_position
        THEN excluded.project_id
        ELSE coalesce(held.project_id, excluded.project_id) END,
    project_position = greatest(held.project_position, excluded.project_position),
    origin_project_id = coalesce(held.origin_project_id, excluded.origin_project_id),
    position = coalesce(held.position, excluded.position),
    deleted_position = coalesce(held.deleted_position, excluded.deleted_position),
    earliest_at = least(held.earliest_at, excluded.earliest_at),
    label = CASE WHEN excluded.label_position > held.label_position
        THEN excluded.label ELSE held.label END,
    label_position = greatest(held.label_position, excluded.label_position)
"""
_ERASED = f"""
SELECT organization_id, id, kind, erased_position, erased_time_zone
FROM analytics_subjects
WHERE erased_position IS NOT NULL AND {PARTITION.format("id")}
"""


def add_subjects(cursor: Cursor[TupleRow], rows: Sequence[SubjectRow]) -> None:
    """Merge rows that a slice of the log implies with those of other slices."""
    if rows:
        execute(cursor, _ADD, msgspec.json.encode(rows).decode())


def erased_subjects(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> list[SubjectRow]:
    """Return the erased creators of a partition, without columns of other events."""
    names = ("organization_id", "id", "kind", "erased_position", "erased_time_zone")
    rows = execute(cursor, _ERASED, partitions, partition).fetchall()
    return [SubjectRow(**dict(zip(names, row, strict=True))) for row in rows]
