"""Summaries by creator: the leaderboard, and the scatter of two metrics."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    ListFormat,
    RowsOffset,
    SummaryRequest,
    refuse_choice_of_videos,
)
from api.routes.aggregate.responses import SUMMARY, RowsPart
from infra.structs import shared_fields
from projections.analytics.read.creators.figures import FiguresOfCreator
from projections.analytics.read.creators.totals import with_first_days
from projections.analytics.summaries.creators import (
    CreatorName,
    count_of_creators,
    names_of,
    ranked_creators,
)

CreatorMetric = Literal[
    "followers",
    "new_followers",
    "views",
    "new_views",
    "engagement_rate",
    "posts",
    "average_views_per_post",
]
MOST_POINTS = 1_000

ScatterLimit = Annotated[
    int,
    QueryParameter(
        ge=1, le=MOST_POINTS, description="The number of creators to return at most."
    ),
]


class CreatorLeaderboardRow(CreatorName, frozen=True, kw_only=True):
    """The figures of a creator; null where nothing is known.

    ``followers`` and ``views`` are levels at the end of ``to``; the other figures
    belong to the range. ``engagement_rate`` is relative to views, and
    ``average_views_per_post`` divides the new views by the number of counted videos
    that were posted until the end. Three fields are the marks of ``followers``.
    ``known_from`` is the day of the first observation of new views or new followers
    that are null because nothing was observed after it.
    """

    followers: int | None
    new_followers: int | None
    views: int | None
    new_views: int | None
    engagement_rate: float | None
    posts: int
    average_views_per_post: float | None
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    known_from: date | None


_FIGURES = CreatorLeaderboardRow.__struct_fields__[len(CreatorName.__struct_fields__) :]


class ScatterRow(CreatorName, frozen=True, kw_only=True):
    """A creator as a point in the scatter.

    ``x``, ``y`` and ``size`` are null where the metric is unknown. ``rounded`` is true
    if one of the three is computed from a rounded number.
    """

    x: float | int | None
    y: float | int | None
    size: float | int | None
    rounded: bool


class CreatorSummaryRoutes(Controller):
    """Creators ranked by their figures."""

    path = "/analytics/aggregate"
    tags = ("Summaries",)
    dependencies = SUMMARY

    @read_route("/creator-leaderboard", "getCreatorLeaderboard", **OPTIONS)
    async def get_creator_leaderboard(
        self,
        summary: NamedDependency[SummaryRequest],
        part: NamedDependency[RowsPart],
        order: Annotated[
            CreatorMetric,
            QueryParameter(description="The figure by which the rows are sorted."),
        ] = "new_views",
        direction: Annotated[
            Literal["desc", "asc"],
            QueryParameter(
                description="The order of the rows: asc puts the smallest "
                "figure first, desc the largest."
            ),
        ] = "desc",
    ) -> CountedList[CreatorLeaderboardRow]:
        """Rank creators by a figure.

        The largest figure comes first, and unknown figures come last. ``posted_from``
        and ``posted_to`` are refused, because a creator's figures include all of the
        creator's counted videos.
        """
        rows = await _leaderboard(summary, part, order, direction)
        return part.answer(
            CreatorLeaderboardRow,
            rows,
            total_count=await count_of_creators(summary.reader, summary.scope),
            name="creator-leaderboard",
        )

    @read_route("/creator-scatter", "getCreatorScatter", **OPTIONS)
    async def get_creator_scatter(
        self,
        summary: NamedDependency[SummaryRequest],
        x: Annotated[
            CreatorMetric,
            QueryParameter(description="The metric of the horizontal axis."),
        ] = "posts",
        y: Annotated[
            CreatorMetric,
            QueryParameter(description="The metric of the vertical axis."),
        ] = "new_views",
        size: Annotated[
            CreatorMetric,
            QueryParameter(description="The metric of the size of the points."),
        ] = "followers",
        limit: ScatterLimit = MOST_POINTS,
        offset: RowsOffset = 0,
        format_: ListFormat = "json",
    ) -> CountedList[ScatterRow]:
        """Show each creator as a point, placed by two metrics.

        The rows are sorted by the metric of the size, the largest first.
        ``posted_from`` and ``posted_to`` are refused, because a creator's figures
        include all of the creator's counted videos.
        """
        part = RowsPart(limit=limit, offset=offset, is_csv=format_ == "csv")
        rows = [
            ScatterRow(
                **shared_fields(CreatorName, row),
                x=getattr(row, x),
                y=getattr(row, y),
                size=getattr(row, size),
                rounded=any(_is_rounded(row, metric) for metric in (x, y, size)),
            )
            for row in await _leaderboard(summary, part, size)
        ]
        return part.answer(
            ScatterRow,
            rows,
            total_count=await count_of_creators(summary.reader, summary.scope),
            name="creator-scatter",
        )


async def _leaderboard(
    summary: SummaryRequest,
    part: RowsPart,
    order: CreatorMetric,
    direction: Literal["desc", "asc"] = "desc",
) -> list[CreatorLeaderboardRow]:
    """Return the rows of the requested part.

    Raises:
        ApiError: ``invalid_query``, if the request selects videos by days of posting.
    """
    reader, scope = summary.reader, summary.scope
    refuse_choice_of_videos(scope, "creator")
    figures = await ranked_creators(
        reader,
        scope,
        summary.days,
        order=order,
        direction=direction,
        limit=None if part.is_csv else part.limit,
        offset=0 if part.is_csv else part.offset,
    )
    figures = await with_first_days(
        reader, scope.organization_id, figures, summary.days
    )
    ids = [one.creator_id for one in figures]
    names = await names_of(reader, scope.organization_id, ids)
    return [_row(names, one) for one in figures]


def _row(
    names: Mapping[UUID, CreatorName], figures: FiguresOfCreator
) -> CreatorLeaderboardRow:
    return CreatorLeaderboardRow(
        **shared_fields(CreatorName, names[figures.creator_id]),
        **{name: getattr(figures, name) for name in _FIGURES},
    )


def _is_rounded(row: CreatorLeaderboardRow, metric: CreatorMetric) -> bool:
    return bool(getattr(row, f"{metric}_rounded", False))
