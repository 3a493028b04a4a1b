"""The times at which rounded numbers of followers became exact."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain.analytics.buckets import slot_of
from projections.analytics.fold.rollup_deltas import PRECISION
from projections.engine.reader import Reader

_SLOTS = f"""
SELECT slot FROM {PRECISION.table}
WHERE organization_id = %(organization)s AND id = %(creator)s AND slot = ANY(%(slots)s)
AND followers_sharpenings > 0
""".encode()


async def sharpened_among(
    reader: Reader, organization_id: UUID, creator_id: UUID, times: Iterable[datetime]
) -> set[datetime]:
    """Return the times in whose quarter-hour followers became exact."""
    by_slot = {time: slot_of(time) for time in times}
    if not by_slot:
        return set()
    rows = await reader.rows(
        organization_id,
        _SLOTS,
        {
            "organization": organization_id,
            "creator": creator_id,
            "slots": [*by_slot.values()],
        },
    )
    slots = {row[0] for row in rows}
    return {time for time, slot in by_slot.items() if slot in slots}
