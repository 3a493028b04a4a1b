"""The end of the log at an earlier time, and the events of one organization in it."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from projections.engine.reader import Reader

END: Final = 2**63 - 1
"""A position that no log reaches."""

_LOG_END = b"""
SELECT position FROM goatherd_log_end(%(at)s::timestamptz, NULL)
"""


async def log_end(reader: Reader, organization_id: UUID, at: datetime) -> int:
    """Return the last position at a time, 0 before the first event.

    The event there may belong to any organization, so the position limits reads and is
    never shown.
    """
    rows = await reader.rows(organization_id, _LOG_END, {"at": at})
    return rows[0][0] or 0


_OWN_EVENT = b"""
SELECT position, at, is_known FROM goatherd_own_event(%(until)s::bigint)
"""


class OwnEvent(msgspec.Struct, frozen=True):
    """An organization's newest event up to a position, and its time of recording.

    The position is 0 before the organization's first event. ``is_known`` is true if the
    given position is that of an own event or lies before one: for any other position
    the organization must not learn whether an event exists there.
    """

    position: int
    recorded_at: datetime
    is_known: bool


async def own_event(reader: Reader, organization_id: UUID, *, until: int) -> OwnEvent:
    """Return the organization's newest event at or before a position of the log."""
    rows = await reader.rows(organization_id, _OWN_EVENT, {"until": until})
    return OwnEvent(*rows[0])
