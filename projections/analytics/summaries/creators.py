"""The creators of a summary, ranked by a figure."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from msgspec.structs import replace

from domain.analytics.buckets import Range
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FiguresOfCreator,
    page_of_creators,
)
from projections.analytics.read.project_spans import spans_in
from projections.analytics.summaries.creator_shares import figures_apart
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
    """Return the number of creators, with those that moved and left numbers."""
    return await scope.kept(
        reader, ("count of creators",), partial(_count_of_creators, scope)
    )


async def ranked_creators(
    reader: Reader,
    scope: SummaryScope,
    days: Range,
    *,
    order: CreatorFigure,
    direction: Literal["desc", "asc"] = "desc",
    limit: int | None,
    offset: int,
) -> Sequence[FiguresOfCreator]:
    """Return the figures of some creators, sorted by one of them.

    A creator with numbers in several projects has those that count in this one.
    """

    async def read(reader: Reader) -> list[FiguresOfCreator]:
        shares = await figures_apart(
            reader,
            scope.organization_id,
            creators_of(scope),
            days,
            project_id=scope.id if scope.kind == "project" else None,
        )
        moved = replace(scope, moved_away=tuple(one.creator_id for one in shares))
        return await page_of_creators(
            reader,
            scope.organization_id,
            replace(creators_of(moved), shares=shares),
            days.start,
            days.end,
            sort=order,
            direction=direction,
            limit=limit,
            offset=offset,
        )

    key = ("ranked creators", days, order, direction, limit, offset)
    return await scope.kept(reader, key, read)


async def _count_of_creators(scope: SummaryScope, reader: Reader) -> int:
    if scope.kind == "project":
        divided = await spans_in(reader, scope.organization_id, scope.id)
        scope = replace(scope, moved_away=(*divided,))
    query = f"""
    SELECT count(*) FROM analytics_subjects c
    WHERE c.organization_id = %(organization)s AND {scope.creators}
    """.encode()
    rows = await reader.rows(scope.organization_id, query, scope.params)
    return rows[0][0]
