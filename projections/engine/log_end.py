"""The end of an organization's log at an earlier time or position."""

from datetime import datetime
from uuid import UUID

import msgspec

from projections.engine.reader import Reader

_LOG_END = b"""
SELECT position, ended_at FROM goatherd_log_end(%(at)s::timestamptz, %(until)s::bigint)
"""


class LogEnd(msgspec.Struct, frozen=True):
    """The last event of the log at some time: its position and time of recording."""

    position: int
    recorded_at: datetime


async def log_end(
    reader: Reader,
    organization_id: UUID,
    *,
    at: datetime | None = None,
    until: int | None = None,
) -> LogEnd | None:
    """Return the end of the log at a time or position; None if it was empty then."""
    rows = await reader.rows(organization_id, _LOG_END, {"at": at, "until": until})
    return None if rows[0][0] is None else LogEnd(*rows[0])
