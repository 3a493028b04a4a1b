"""The creators of a summary, ranked by a figure."""

from typing import Literal

from domain.analytics.buckets import Range
from projections.analytics.queries.figure_expressions import CreatorFigure
from projections.analytics.queries.figures import (
    CreatorSet,
    FiguresOfCreator,
    creator_figures,
    sorted_creators,
)
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader


def creators_of(scope: SummaryScope) -> CreatorSet:
    """Return the creators of a scope."""
    query = f"""
    SELECT c.id FROM analytics_subjects c
    WHERE c.organization_id = %(organization)s AND {scope.creators}
    """
    return CreatorSet(query, scope.params)


async def count_of_creators(reader: Reader, scope: SummaryScope) -> int:
    """Return how many creators there are."""
    query = f"""
    SELECT count(*) FROM analytics_subjects c
    WHERE c.organization_id = %(organization)s AND {scope.creators}
    """.encode()
    rows = await reader.rows(scope.organization_id, query, scope.params)
    return rows[0][0]


async def ranked_creators(
    reader: Reader,
    scope: SummaryScope,
    days: Range,
    *,
    order: CreatorFigure,
    direction: Literal["desc", "asc"] = "desc",
    limit: int | None,
    offset: int,
) -> list[FiguresOfCreator]:
    """Return the figures of some creators, sorted by one of them."""
    organization_id, start, end = scope.organization_id, days.start, days.end
    ids = await sorted_creators(
        reader,
        organization_id,
        creators_of(scope),
        start,
        end,
        sort=order,
        direction=direction,
        limit=limit,
        offset=offset,
    )
    found = await creator_figures(
        reader, organization_id, CreatorSet.these(ids), start, end
    )
    by_id = {one.creator_id: one for one in found}
    return [by_id[id_] for id_ in ids if id_ in by_id]
