"""Table analytics_gathered: owners and campaigns that wait for a rebuild."""

from collections.abc import Iterable, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.keys import OwnerKey
from projections.analytics.store.statements import (
    PARTITION,
    delete_rows,
    execute,
    owner_columns,
    packed_keys,
    save_rows,
)

CAMPAIGNS = 2
"""The number that campaigns have in place of a metric group: they wait as owners do."""

_NEXT = f"""
SELECT organization_id, metric_group, owner FROM analytics_gathered
WHERE is_attributed = %s AND (metric_group = {CAMPAIGNS}) = %s
AND {PARTITION.format("owner")}
ORDER BY organization_id, metric_group, owner LIMIT %s
"""
_MARK = """
UPDATE analytics_gathered SET is_attributed = true
FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS done (o, f, w)
WHERE organization_id = o AND metric_group = f AND owner = w
"""


def note_waiting(
    cursor: Cursor[TupleRow], keys: Iterable[OwnerKey], *, is_attributed: bool
) -> None:
    """Note that these owners or campaigns wait for their next stage."""
    if requested := sorted(keys):
        flags = [is_attributed] * len(requested)
        row = {**owner_columns(requested), "is_attributed": flags}
        save_rows(cursor, "analytics_gathered", row)


def next_waiting(
    cursor: Cursor[TupleRow],
    partition: int,
    partitions: int,
    *,
    is_attributed: bool = True,
    is_campaign: bool = False,
    most: int,
) -> list[OwnerKey]:
    """Return the next owners or campaigns of a partition that wait for a stage."""
    kind = is_attributed, is_campaign
    found = execute(cursor, _NEXT, *kind, partitions, partition, most).fetchall()
    return [(row[0], row[1], row[2]) for row in found]


def mark_attributed(cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]) -> None:
    """Note that the snapshots of these owners list videos of their own only."""
    execute(cursor, _MARK, *packed_keys(keys))


def delete_waiting(cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]) -> None:
    """Delete owners or campaigns that no stage is left for."""
    delete_rows(cursor, "analytics_gathered", owner_columns(keys))
