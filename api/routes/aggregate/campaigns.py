"""The summary that ranks campaigns."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    Behind,
    SummaryRequest,
    provide_point,
    refuse_choice_of_videos,
)
from api.routes.aggregate.responses import SUMMARY, RowsPart
from domain.analytics.series import Value
from domain.analytics.summaries.ranking import ranked
from domain.analytics.targets import CampaignPhase, Progress, TargetStatus
from domain.errors import NotFoundError
from domain.messages import copied
from projections.analytics.read.members import campaigns_below
from projections.analytics.summaries.campaigns import (
    CampaignChoice,
    CampaignFigure,
    campaigns_in,
    figures_of_campaigns,
)
from projections.analytics.summaries.target_counts import CampaignTarget
from projections.campaigns.queries import campaigns_as_of, campaigns_ever_in


class CampaignLeaderboardRow(Struct, frozen=True, kw_only=True):
    """The figures of a campaign; null where nothing is known.

    Each figure means the same as for a creator. It counts each video and each profile
    in the campaign once. ``progress`` is the one of now, or of ``as_of``, whatever the
    range; null without a target and a cost. ``starts_on`` and ``ends_on`` are null for
    an open end, and ``phase`` says where today is in these days, which begin in the
    time zone
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
    dependencies = SUMMARY

    @read_route(
        "/campaign-leaderboard",
        "getCampaignLeaderboard",
        dependencies={"point": Provide(provide_point, sync_to_thread=False)},
        **OPTIONS,
    )
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
        that counts in it. With ``as_of`` the campaigns, their figures and their
        progress are those of then, and with ``from``, ``to`` and ``tz`` they stay the
        same for ever.
        """
        refuse_choice_of_videos(summary.scope, "campaign")
        if summary.scope.tags:
            raise invalid_query("tag", "must be left out: campaigns have no tags")
        found = await figures_of_campaigns(
            summary.reader,
            summary.scope.organization_id,
            await _campaigns(summary),
            summary.days,
            now=summary.now,
            at=summary.at,
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


async def _campaigns(summary: SummaryRequest) -> list[CampaignTarget]:
    """Return the campaigns of the summary, now or as of its position."""
    reader, scope, at = summary.reader, summary.scope, summary.at
    organization_id, zone = scope.organization_id, summary.days.zone
    if at is None:
        return await campaigns_in(reader, scope, zone)
    ids = (
        await campaigns_ever_in(reader, organization_id, scope.id)
        if scope.kind == "project"
        else await campaigns_below(reader, organization_id, scope.id, at=at)
    )
    found = [
        copied(campaign, CampaignTarget, time_zone=zone.key)
        for campaign in await campaigns_as_of(reader, organization_id, ids, at=at)
    ]
    if scope.kind == "campaign" and not any(one.id == scope.id for one in found):
        raise NotFoundError("campaign")
    return found
