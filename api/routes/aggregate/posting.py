"""The summary of posting: the regularity of each creator."""

from datetime import datetime
from operator import attrgetter
from typing import Annotated, Literal

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import OPTIONS, SummaryRequest
from api.routes.aggregate.responses import SUMMARY, RowsPart
from domain.analytics.summaries.consistency import (
    PostingConsistency,
    consistency,
    weeks_before,
)
from domain.analytics.summaries.ranking import ranked
from infra.structs import shared_fields
from projections.analytics.summaries.creators import CreatorName, names_of
from projections.analytics.summaries.videos import posts_by_creator

ConsistencyOrder = Literal[
    "share_of_weeks",
    "posts_per_week",
    "longest_gap_days",
    "gap_standard_deviation",
    "last_post_at",
]


class ConsistencyRow(CreatorName, frozen=True, kw_only=True):
    """The regularity of a creator in the last 12 whole weeks before the end of ``to``.

    ``share_of_weeks`` is the share of these weeks with a post, 0 to 1.
    ``longest_gap_days`` is the longest time between two posts of these weeks, or from
    the last post to the end of the weeks, and at most the 84 days of the weeks; null
    without any post. ``gap_standard_deviation`` is the standard deviation of the times
    between the posts of these weeks, in days; null below 3 posts. ``last_post_at`` may
    be earlier than the weeks.
    """

    share_of_weeks: float
    posts_per_week: float
    longest_gap_days: float | None
    gap_standard_deviation: float | None
    last_post_at: datetime | None


class PostingRoutes(Controller):
    """The times at which videos are posted."""

    path = "/analytics/aggregate"
    tags = ("Summaries",)
    dependencies = SUMMARY

    @read_route("/posting-consistency", "getPostingConsistency", **OPTIONS)
    async def get_posting_consistency(
        self,
        summary: NamedDependency[SummaryRequest],
        part: NamedDependency[RowsPart],
        order: Annotated[
            ConsistencyOrder,
            QueryParameter(description="The figure by which the rows are sorted."),
        ] = "share_of_weeks",
    ) -> CountedList[ConsistencyRow]:
        """Show the regularity of each creator's posts.

        Weeks begin on Monday in the time zone. The last 12 weeks that are over at the
        end of ``to`` count, whatever ``from`` is.
        """
        reader, scope, days = summary.reader, summary.scope, summary.days
        weeks = weeks_before(days.last, days.zone, now=summary.now)
        posts = await posts_by_creator(
            reader, scope, start=weeks.bounds[0], end=weeks.end
        )
        found = {
            one.creator_id: consistency(
                one.posted or ([] if one.last_at is None else [one.last_at]), weeks
            )
            for one in posts
        }
        order_of = attrgetter(order)
        ids = ranked(found, lambda id_: order_of(found[id_]), id_of=lambda id_: id_)
        shown = part.of(ids)
        names = await names_of(reader, scope.organization_id, shown)
        rows = [
            ConsistencyRow(
                **shared_fields(CreatorName, names[id_]),
                **shared_fields(PostingConsistency, found[id_]),
            )
            for id_ in shown
        ]
        return part.answer(
            ConsistencyRow, rows, total_count=len(ids), name="posting-consistency"
        )
