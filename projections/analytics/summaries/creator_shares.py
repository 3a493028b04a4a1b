"""Figures of creators that their sums do not have, such as a share in one project."""

from functools import partial
from uuid import UUID

from domain.analytics.buckets import Range, ends_a_slot
from domain.analytics.project_spans import EVER
from domain.analytics.series import SeriesByMetric, as_ranges
from projections.analytics.read.creators.figures import CreatorSet, FiguresOfCreator
from projections.analytics.read.project_spans import (
    SpansByCreator,
    shares_of_creators,
    spans_in,
)
from projections.analytics.read.series import series_by_entity
from projections.analytics.summaries.key_figures import selection_of
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
        params = {"organization": organization_id, **creators.parameters}
        rows = await reader.rows(organization_id, creators.query.encode(), params)
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
