"""Positions of times: the part of the log that a replay sends again."""

from datetime import datetime
from typing import Any, LiteralString

from psycopg import Cursor

_BOUNDS: LiteralString = """
SELECT coalesce(min(notification_id), 0), coalesce(max(notification_id), 0)
FROM goatherd_events
"""
_AT: LiteralString = """
SELECT notification_id, recorded_at FROM goatherd_events
WHERE notification_id >= %s ORDER BY notification_id LIMIT 1
"""


def first_position_at(cursor: Cursor[Any], at: datetime) -> int:
    """Return the position of the first event that was stored then or later.

    It is one more than the last position if there is none. Times grow with positions,
    so some tens of events are read.
    """
    row = cursor.execute(_BOUNDS).fetchone()
    assert row is not None
    low, high = row[0], row[1] + 1
    while low < high:
        middle = (low + high) // 2
        found = cursor.execute(_AT, (middle,)).fetchone()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low
