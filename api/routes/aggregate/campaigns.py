"""The summary that ranks campaigns."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    Behind,
    SummaryRequest,
    refuse_choice_of_videos,
)
from api.routes.aggregate.responses import RowsPart
from domain.analytics.series import Value
from domain.analytics.summaries.ranking import ranked
from domain.analytics.targets import CampaignPhase, Progress, TargetStatus
from projections.analytics.summaries.campaigns import (
    CampaignChoice,
    CampaignFigure,
    figures_of_campaigns,
)


class CampaignLeaderboardRow(Struct, frozen=True, kw_only=True):
    """The figures of a campaign; null where nothing is known.

    Each figure means the same as for a creator. It counts each video and each profile
    in the campaign once. ``progress`` is the present progress, whatever the range; null
    without a target and a cost. ``starts_on`` and ``ends_on`` are null for an open end,
    and ``phase`` says where today is in these days, which begin in the time zone
    ``tz``.
    """

    campaign_id: UUID
    name: str
    starts_on: date | None
    ends_on: date | None
    phase: CampaignPhase
    followers: Value
    new_followers: Value
    views: Value
    new_views: Value
    engagement_rate: Value
    posts: Value
    average_views_per_post: Value
    progress: Progress | None
    tz: str
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool


class CampaignSummaryRoutes(Controller):
    """Campaigns ranked by their figures."""

    path = "/analytics/aggregate"
    tags = ("Summaries",)

    @read_route("/campaign-leaderboard", "getCampaignLeaderboard", **OPTIONS)
    async def get_campaign_leaderboard(
        self,
        summary: NamedDependency[SummaryRequest],
        part: NamedDependency[RowsPart],
        order: Annotated[
            CampaignFigure,
            QueryParameter(description="The figure by which the rows are sorted."),
        ] = "new_views",
        search: Annotated[
            str | None,
            QueryParameter(max_length=200, description="A part of the name."),
        ] = None,
        phase: Annotated[
            CampaignPhase | None,
            QueryParameter(
                description="Where today is in the days of the campaigns: before "
                "(``upcoming``), in (``running``) or after them (``ended``)."
            ),
        ] = None,
        target_status: Annotated[
            TargetStatus | None,
            QueryParameter(
                description="The status in ``progress`` of at least one target."
            ),
        ] = None,
        *,
        behind: Behind = False,
    ) -> CountedList[CampaignLeaderboardRow]:
        """Rank the campaigns of a project, or a campaign and the campaigns below it.

        The largest figure comes first, and unknown figures come last. ``posted_from``,
        ``posted_to`` and ``tag`` are refused, because a campaign's figures include all
        that counts in it.
        """
        refuse_choice_of_videos(summary.scope, "campaign")
        if summary.scope.tags:
            raise invalid_query("tag", "must be left out: campaigns have no tags")
        found = await figures_of_campaigns(
            summary.reader,
            summary.scope,
            summary.days,
            now=summary.now,
            choice=CampaignChoice(
                search=(search or "").strip().lower() or None,
                phase=phase,
                target_status=target_status,
                is_behind=behind,
            ),
        )
        order_ = ranked(
            found, lambda one: one.values[order], id_of=lambda one: one.campaign_id
        )
        rows = [
            CampaignLeaderboardRow(
                campaign_id=one.campaign_id,
                name=one.name,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
                phase=one.phase,
                **one.values,
                progress=one.progress,
                tz=summary.days.zone.key,
                followers_rounded=one.followers_rounded,
                new_followers_rounded=one.new_followers_rounded,
                new_followers_sharpened=one.new_followers_sharpened,
            )
            for one in part.of(order_)
        ]
        return part.answer(
            CampaignLeaderboardRow,
            rows,
            total_count=len(found),
            name="campaign-leaderboard",
        )
