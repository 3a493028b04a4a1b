"""Pages of the log without bodies: the events that fit a filter, newest first.

Positions and streams have an index. For other filters a page examines a bounded number
of positions, and says how far it came, so that no request reads the whole log.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from infra.eventstore.envelope import METADATA, EventMetadata

MOST_EXAMINED: Final = 20_000
"""The number of positions that a page examines for a filter without an index."""

_INSTANT = timedelta(microseconds=1)
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM goatherd_events"
# Times never go back along the log, so a time is found by halving.
_AT = "SELECT coalesce(position, 0) FROM goatherd_log_end(%s, NULL)"
_CONDITIONS = {
    "stream": "originator_id = %(stream)s",
    "names": "topic = ANY(%(names)s)",
    "actors": "actor = ANY(%(actors)s)",
    "correlation_id": "correlation_id = %(correlation_id)s",
}


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The events to list; a field that is None does not filter.

    ``after`` and ``before`` are positions or times of recording, and exclude the event
    there. ``actors`` are as the log has them.
    """

    stream: UUID | None = None
    names: list[str] | None = None
    actors: list[str] | None = None
    correlation_id: UUID | None = None
    after: int | datetime | None = None
    before: int | datetime | None = None

    @property
    def has_index(self) -> bool:
        """Return whether an index finds the events."""
        without = (self.names, self.actors, self.correlation_id)
        return self.stream is not None or all(each is None for each in without)


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """The events of a page, and the positions that were examined for it.

    All events from ``examined_from`` to ``examined_to`` that fit are on the page; both
    are None if there was nothing to examine. ``is_last`` is false if events before
    ``examined_from`` may fit as well.
    """

    events: list[EventMetadata]
    examined_from: int | None
    examined_to: int | None
    is_last: bool


def log_page(
    connection: Connection[TupleRow],
    sought: LogFilter,
    *,
    limit: int,
    below: int | None = None,
) -> LogPage:
    """Return up to ``limit`` events, newest first, from before the position ``below``.

    ``below`` is the ``examined_from`` of the page before.
    """
    top = _number(connection, _HEAD)
    if isinstance(sought.before, datetime):
        top = min(top, _number(connection, _AT, sought.before - _INSTANT))
    elif sought.before is not None:
        top = min(top, sought.before - 1)
    if below is not None:
        top = min(top, below - 1)
    bottom = sought.after or 0
    if isinstance(bottom, datetime):
        bottom = _number(connection, _AT, bottom)
    if top <= bottom:
        return LogPage(events=[], examined_from=None, examined_to=None, is_last=True)
    above = bottom if sought.has_index else max(bottom, top - MOST_EXAMINED)
    values: dict[str, Any] = {
        name: value
        for name in _CONDITIONS
        if (value := getattr(sought, name)) is not None
    }
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in values)
    # Versions of a stream rise with its positions, and its index has them.
    order = "notification_id" if sought.stream is None else "originator_version"
    query = (
        f"{METADATA} WHERE notification_id > %(above)s AND notification_id <= %(top)s"
        f"{conditions} ORDER BY {order} DESC LIMIT %(limit)s"
    )
    # One event more than the page has shows whether it is cut.
    values |= {"above": above, "top": top, "limit": limit + 1}
    with connection.cursor(row_factory=class_row(EventMetadata), binary=True) as cursor:
        found = cursor.execute(query.encode(), values).fetchall()
    is_cut = len(found) > limit
    events = found[:limit]
    return LogPage(
        events=events,
        examined_from=events[-1].position if is_cut else above + 1,
        examined_to=top,
        is_last=not is_cut and above == bottom,
    )


def _number(connection: Connection[TupleRow], query: str, *values: object) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row is not None else 0
