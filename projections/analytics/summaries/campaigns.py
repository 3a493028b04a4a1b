"""The campaigns of a summary, with their figures and the progress of their targets."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.analytics.buckets import Range
from domain.analytics.series import (
    SeriesByMetric,
    Value,
    as_ranges,
)
from domain.analytics.targets import (
    CampaignPhase,
    Progress,
    TargetStatus,
    has_status,
    is_behind,
    phase_of,
)
from infra.structs import structs
from projections.analytics.read.series import series_by_entity
from projections.analytics.summaries.key_figures import (
    SeriesFigure,
    figures_in,
    selection_of,
)
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.target_counts import (
    CampaignTarget,
    progress_of_campaigns,
)
from projections.engine.reader import Reader

CampaignFigure = Literal[
    "followers",
    "new_followers",
    "views",
    "new_views",
    "engagement_rate",
    "posts",
    "average_views_per_post",
]
_FIGURES: tuple[CampaignFigure, ...] = get_args(CampaignFigure)


class CampaignFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's figures in the range, their marks, and its present progress.

    ``progress`` is None without a target and a cost.
    """

    campaign_id: UUID
    name: str
    starts_on: date | None
    ends_on: date | None
    phase: CampaignPhase
    values: Mapping[SeriesFigure, Value]
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    progress: Progress | None


class CampaignChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The campaigns to return; None chooses all.

    ``search`` is a part of the name, in small letters. ``target_status`` is that of at
    least one target. ``is_behind`` leaves out campaigns that will miss no target at
    their present pace.
    """

    search: str | None = None
    phase: CampaignPhase | None = None
    target_status: TargetStatus | None = None
    is_behind: bool = False

    def holds(self, campaign: CampaignTarget, now: datetime) -> bool:
        """Tell whether the name and the days of a campaign fit the choice."""
        named = self.search is None or self.search in campaign.name.lower()
        return named and self.phase in {None, _phase(campaign, now)}

    def has(self, progress: Progress | None) -> bool:
        """Tell whether the progress of a campaign fits the choice."""
        status = self.target_status
        if progress is None:
            return status is None and not self.is_behind
        fits = status is None or has_status(progress, status)
        return fits and (not self.is_behind or is_behind(progress))


_ALL = CampaignChoice()
_FIELDS = """
SELECT c.id, c.name, c.target_views, c.target_at, c.target_scope, c.starts_on,
       c.ends_on, c.created_at, c.target_posts, c.target_engagement, c.cost_minor,
       c.currency,
       coalesce(%(zone)s::text, (SELECT time_zone FROM organizations o
                                 WHERE o.organization_id = %(organization)s))
FROM campaigns c
WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL
"""
_OF_PROJECT = f"{_FIELDS} AND c.project_id = %(scope)s".encode()
_IN_TIME = f"""
{_FIELDS} AND c.target_at > %(now)s
AND (%(project)s::uuid IS NULL OR c.project_id = %(project)s)
AND (c.target_views, c.target_posts, c.target_engagement) IS DISTINCT FROM
    (NULL::bigint, NULL::bigint, NULL::bigint)
""".encode()
# The campaign itself, and those in the tree below it.
_OF_CAMPAIGN = f"""
WITH RECURSIVE tree AS (
    SELECT %(scope)s::uuid AS id
    UNION
    SELECT i.item_id FROM tree JOIN campaign_items i
        ON i.organization_id = %(organization)s AND i.campaign_id = tree.id
        AND i.item_type = 'campaign'
)
{_FIELDS} AND c.id IN (SELECT id FROM tree)
""".encode()


async def campaigns_in(
    reader: Reader, scope: SummaryScope, zone: ZoneInfo
) -> list[CampaignTarget]:
    """Return the campaigns of a project, or in a campaign's tree, as they are now.

    Their days begin in ``zone``.
    """
    query = _OF_PROJECT if scope.kind == "project" else _OF_CAMPAIGN
    rows = await reader.rows(scope.organization_id, query, scope.params, zone=zone.key)
    return structs(CampaignTarget, rows)


async def figures_of_campaigns(
    reader: Reader,
    organization_id: UUID,
    campaigns: Iterable[CampaignTarget],
    days: Range,
    *,
    now: datetime,
    at: int | None = None,
    choice: CampaignChoice = _ALL,
) -> list[CampaignFigures]:
    """Return the figures of campaigns in a range, and their progress.

    ``at`` is the position as of which the log is read, and ``now`` its time; None for
    all of it.
    """
    campaigns = [one for one in campaigns if choice.holds(one, now)]
    ids = [campaign.id for campaign in campaigns]
    if not ids:
        return []
    selection = selection_of(
        organization_id,
        "campaign",
        ids,
        [days.start, days.end],
        at=at,
        at_time=None if at is None else now,
    )
    in_range = await series_by_entity(reader, selection)
    measured = [campaign for campaign in campaigns if campaign.is_measured]
    progress = await progress_of_campaigns(
        reader, organization_id, measured, now=now, at=at
    )
    return [
        _figures(
            campaign,
            as_ranges(in_range[campaign.id]),
            progress.get(campaign.id),
            days,
            now=now,
        )
        for campaign in campaigns
        if choice.has(progress.get(campaign.id))
    ]


async def campaigns_behind(
    reader: Reader, organization_id: UUID, project_id: UUID | None, *, now: datetime
) -> list[UUID]:
    """Return the campaigns of a project, or of all, that will miss a target."""
    rows = await reader.rows(
        organization_id, _IN_TIME, project=project_id, zone=None, now=now
    )
    campaigns = structs(CampaignTarget, rows)
    if not campaigns:
        return []
    progress = await progress_of_campaigns(reader, organization_id, campaigns, now=now)
    return [one.id for one in campaigns if is_behind(progress[one.id])]


def _phase(campaign: CampaignTarget, now: datetime) -> CampaignPhase:
    today = now.astimezone(campaign.zone).date()
    return phase_of(campaign.starts_on, campaign.ends_on, today=today)


def _figures(
    campaign: CampaignTarget,
    in_range: SeriesByMetric,
    progress: Progress | None,
    days: Range,
    *,
    now: datetime,
) -> CampaignFigures:
    values, rounded, sharpened = figures_in(
        in_range, 0, _FIGURES, entity="campaign", days=days.days
    )
    return CampaignFigures(
        campaign_id=campaign.id,
        name=campaign.name,
        starts_on=campaign.starts_on,
        ends_on=campaign.ends_on,
        phase=_phase(campaign, now),
        values=values,
        followers_rounded="followers" in rounded,
        new_followers_rounded="new_followers" in rounded,
        new_followers_sharpened="new_followers" in sharpened,
        progress=progress,
    )
