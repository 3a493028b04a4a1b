"""Figures of creators with numbers in several projects: their share in one project."""

from functools import partial
from uuid import UUID

from domain.analytics.buckets import Range
from domain.analytics.series import SeriesByMetric
from projections.analytics.read.creators.figures import FiguresOfCreator
from projections.analytics.read.project_spans import shares_of_creators, spans_in
from projections.analytics.read.series import series_by_entity
from projections.analytics.summaries.key_figures import selection_of
from projections.engine.reader import Reader


async def shares_in_project(
    reader: Reader, organization_id: UUID, project_id: UUID, days: Range
) -> list[FiguresOfCreator]:
    """Return the figures over some days of creators with numbers in several projects.

    The project is one of these. Most projects have few such creators or none.
    """
    shares = await shares_of_creators(
        await spans_in(reader, organization_id, project_id),
        selection_of(organization_id, "creator", [], [days.start, days.end]),
        partial(series_by_entity, reader),
    )
    return [_figures_of(creator_id, share) for creator_id, share in shares.items()]


def _figures_of(creator_id: UUID, by_metric: SeriesByMetric) -> FiguresOfCreator:
    """Return the figures in series over one bucket."""
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
