"""Which things looks list, without reading all that they saw of them."""

from datetime import UTC, datetime

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics_looks import HerdKey, execute
from projections.analytics_observations import Longs
from projections.analytics_packing import THINGS_IN_SQL

_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_LOOKS_A_PAGE = 1_000
_PAGE_END = """
SELECT observed_at, position FROM analytics_looks
WHERE organization_id = %s AND family = %s AND owner = %s
AND (observed_at, position) > (%s, %s)
ORDER BY observed_at, position OFFSET %s LIMIT 1
"""
_LISTS = f"""
SELECT DISTINCT {THINGS_IN_SQL} FROM analytics_looks
CROSS JOIN LATERAL (SELECT substring(seen FOR 7) AS head OFFSET 0) AS packed
WHERE organization_id = %s AND family = %s AND owner = %s
AND (observed_at, position) > (%s, %s) AND (observed_at, position) <= (%s, %s)
"""


def things_of(cursor: Cursor[TupleRow], key: HerdKey) -> Longs:
    """Return all that an owner's looks ever saw, in ascending order."""
    found = np.empty(0, np.int64)
    after: tuple[object, object] = (_EVER, -1)
    while True:
        # Most looks see what the one before did, and PostgreSQL reads no more of each.
        end = execute(cursor, _PAGE_END, *key, *after, _LOOKS_A_PAGE - 1).fetchone()
        until = (_NEVER, 2**63 - 1) if end is None else end
        lists = execute(cursor, _LISTS, *key, *after, *until).fetchall()
        listed = [np.frombuffer(row[0], "<i8").astype(np.int64) for row in lists]
        found = np.unique(np.concatenate([found, *listed]))
        if end is None:
            return found
        after = (end[0], end[1])
