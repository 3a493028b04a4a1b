"""The creators of a summary, ranked by a figure."""

from functools import partial
from typing import Literal
from uuid import UUID

from msgspec.structs import replace

from domain.analytics.buckets import Bucket, Range
from domain.analytics.series import SeriesByMetric
from projections.analytics.queries.figure_expressions import CreatorFigure
from projections.analytics.queries.figures import (
    CreatorSet,
    FiguresOfCreator,
    creator_figures,
    sorted_creators,
)
from projections.analytics.queries.project_spans import (
    SpansByCreator,
    shares_of_creators,
    spans_in,
)
from projections.analytics.summaries.key_figures import series_of
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
    """Return how many creators there are, those who left numbers among them."""
    scope = replace(scope, moved_away=(*await _divided(reader, scope),))
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
    """Return the figures of some creators, sorted by one of them.

    Those of creators with numbers in several projects are what counts in this one.
    """
    organization_id, start, end = scope.organization_id, days.start, days.end
    if divided := await _divided(reader, scope):
        every = await _figures_in_project(reader, scope, days, divided)
        found = _sorted(every, order, direction)
        return found[offset : None if limit is None else offset + limit]
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


async def _divided(reader: Reader, scope: SummaryScope) -> SpansByCreator:
    """Return when creators count that have numbers in this project and in others."""
    if scope.kind != "project":
        return {}
    return await spans_in(reader, scope.organization_id, scope.id)


async def _figures_in_project(
    reader: Reader, scope: SummaryScope, days: Range, divided: SpansByCreator
) -> list[FiguresOfCreator]:
    creators = creators_of(replace(scope, moved_away=(*divided,)))
    whole = await creator_figures(
        reader, scope.organization_id, creators, days.start, days.end
    )
    those = {one.creator_id for one in whole}
    shares = await shares_of_creators(
        {id_: spans for id_, spans in divided.items() if id_ in those},
        [Bucket(date=days.first, start=days.start, end=days.end, days=days.days)],
        partial(series_of, reader, scope.organization_id, "creator"),
    )
    return [
        _figures_of(one.creator_id, shares[one.creator_id])
        if one.creator_id in shares
        else one
        for one in whole
    ]


def _figures_of(creator_id: UUID, by_metric: SeriesByMetric) -> FiguresOfCreator:
    """Return the figures that series over one bucket say."""
    new = {metric: series.new(0) for metric, series in by_metric.items()}
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
        new_followers_rounded=level is not None and followers.is_new_rounded(0),
        new_followers_sharpened=followers.is_sharpened(0),
    )


def _sorted(
    found: list[FiguresOfCreator],
    order: CreatorFigure,
    direction: Literal["desc", "asc"],
) -> list[FiguresOfCreator]:
    sign = 1 if direction == "asc" else -1

    def place(one: FiguresOfCreator) -> tuple[bool, float, UUID]:
        value = getattr(one, order)
        return value is None, sign * (value or 0), one.creator_id

    return sorted(found, key=place)
