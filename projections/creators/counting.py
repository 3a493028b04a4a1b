"""The number of creators by health, and of those who stopped posting."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from projections.creators.filter import CreatorFigureFilter
from projections.creators.posting import HAS_STOPPED
from projections.engine.reader import Reader

_AMOUNTS = """
SELECT health, has_stopped, count(*) FROM ({chosen}) AS chosen
GROUP BY health, has_stopped
"""


class CreatorAmounts(Struct, frozen=True, kw_only=True):
    """The number of tracked creators, in all and by health.

    ``stopped_posting`` is the number of those who stopped posting, whatever their
    health is.
    """

    creators: int = 0
    ok: int = 0
    never_seen: int = 0
    failing: int = 0
    stale: int = 0
    disabled: int = 0
    stopped_posting: int = 0


async def creator_amounts(
    reader: Reader, organization_id: UUID, chosen: CreatorFigureFilter, *, now: datetime
) -> CreatorAmounts:
    """Return the amounts of the chosen creators, of whom none may be removed."""
    query = chosen.query_with_health({"has_stopped": HAS_STOPPED})
    rows = await reader.rows(
        organization_id,
        _AMOUNTS.format(chosen=query).encode(),
        {"organization": organization_id, **chosen.parameters, "now": now},
    )
    amounts = dict.fromkeys(CreatorAmounts.__struct_fields__, 0)
    for health, has_stopped, amount in rows:
        amounts["creators"] += amount
        amounts[health] += amount
        if has_stopped:
            amounts["stopped_posting"] += amount
    return CreatorAmounts(**amounts)
