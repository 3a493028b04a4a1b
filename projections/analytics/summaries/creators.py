"""The creators of a summary, ranked by a figure, with shares that their sums lack."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import Range, ends_a_slot
from domain.analytics.project_spans import EVER
from domain.analytics.series import SeriesByMetric, as_ranges
from infra.structs import structs
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FiguresOfCreator,
    page_of_creators,
)
from projections.analytics.read.members import (
    SpansByCreator,
    shares_of_creators,
    spans_in,
)
from projections.analytics.read.series import series_by_entity
from projections.analytics.summaries.key_figures import selection_of
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader


async def figures_apart(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    days: Range,
    *,
    project_id: UUID | None,
) -> list[FiguresOfCreator]:
    """Return the figures over some days that the sums of creators do not have.

    These are the shares in the project of creators with numbers in several. Most
    projects have few or none. They are the figures of all creators if a day does not
    end with a quarter of an hour, as in historical time zones.
    """
    spans: SpansByCreator = {}
    if project_id is not None:
        spans = await spans_in(reader, organization_id, project_id)
    if not (ends_a_slot(days.start) and ends_a_slot(days.end)):
        rows = await reader.rows(
            organization_id, creators.query.encode(), creators.parameters
        )
        spans = {**{row[0]: EVER for row in rows}, **spans}
    shares = await shares_of_creators(
        spans,
        selection_of(organization_id, "creator", [], [days.start, days.end]),
        partial(series_by_entity, reader),
    )
    return [_figures_of(creator_id, share) for creator_id, share in shares.items()]


def _figures_of(creator_id: UUID, by_metric: SeriesByMetric) -> FiguresOfCreator:
    """Return the figures in series over one bucket."""
    ranges = as_ranges(by_metric)
    new = {metric: series.new(0) for metric, series in ranges.items()}
    followers, posts = by_metric["followers"], by_metric["posts"]
    level = followers.level(0)
    return FiguresOfCreator(
        creator_id=creator_id,
        followers=level,
        new_followers=new["followers"],
        views=by_metric["views"].level(0),
        new_views=new["views"],
        likes=new["likes"],
        comments=new["comments"],
        shares=new["shares"],
        saves=new["saves"],
        posts=new["posts"] or 0,
        posted=posts.level(0) or 0,
        followers_rounded=level is not None and followers.is_level_rounded(0),
        new_followers_rounded=new["followers"] is not None
        and followers.is_new_rounded(0),
        new_followers_sharpened=followers.is_sharpened(0),
    )


_COUNT = """
SELECT count(*) FROM analytics_subjects c
WHERE c.organization_id = %(organization)s AND {creators}
"""


def creators_of(scope: SummaryScope) -> CreatorSet:
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
    return (await scope.rows(reader, _COUNT))[0][0]


class CreatorName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's handle, and its display name and picture, if known."""

    creator_id: UUID
    tiktok_handle: str
    display_name: str | None
    avatar_url: str | None


# The creators list may lack a creator that was added a moment ago.
_NAMES = b"""
SELECT c.id, coalesce(l.tiktok_handle, c.label),
       coalesce(l.display_name, l.scraped_display_name), l.avatar_url
FROM analytics_subjects c LEFT JOIN creator_list l
    ON l.organization_id = c.organization_id AND l.id = c.id
WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s)
"""


async def names_of(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, CreatorName]:
    rows = await reader.rows(organization_id, _NAMES, ids=list(ids))
    return {name.creator_id: name for name in structs(CreatorName, rows)}
