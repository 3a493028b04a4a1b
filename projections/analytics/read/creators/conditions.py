"""Creators whose figures over some days fulfil conditions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from domain.analytics.series import DECIMALS
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import CreatorSet
from projections.engine.reader import Reader

# Rates are shown in percent; the expression is a share. Answers have them in double
# precision: a bound that somebody copies from an answer includes its own creator.
_SHOWN: Mapping[CreatorFigure, str] = {
    "engagement_rate": f"round(100 * ({{}}), {DECIMALS})::float8",
    "average_views_per_post": f"round({{}}, {DECIMALS})::float8",
}


class FigureCondition(msgspec.Struct, frozen=True):
    """A bound of a figure, rates in percent. Unknown figures are never within."""

    figure: CreatorFigure
    comparison: Literal[">=", "<=", ">", "<"]
    number: Decimal


async def creators_with(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    *,
    conditions: Sequence[FigureCondition],
) -> list[UUID]:
    """Return the ids of those creators whose figures fulfil all conditions."""
    of = creators.expressions(start, end)
    held = [
        f"{_SHOWN.get(each.figure, '{}').format(of.named(each.figure))} "
        f"{each.comparison} %(number_{place})s"
        for place, each in enumerate(conditions)
    ]
    joins = of.joins(among=creators.among)
    numbers = {f"number_{place}": each.number for place, each in enumerate(conditions)}
    rows = await reader.rows(
        organization_id,
        f"""
        WITH chosen AS NOT MATERIALIZED ({creators.query})
        SELECT chosen.id FROM chosen {joins} WHERE {" AND ".join(held)}
        """.encode(),
        {"organization": organization_id, **creators.all_parameters, **numbers},
    )
    return [row[0] for row in rows]
