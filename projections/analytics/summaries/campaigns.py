"""The campaigns of a summary with their figures, and how far their targets are."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.analytics.buckets import Bucket, Range, midnight
from domain.analytics.metrics import Metric, Mode, Question
from domain.analytics.series import (
    SeriesByMetric,
    Value,
    is_rounded,
    is_sharpened,
    value_of,
)
from domain.analytics.targets import GROWTH_DAYS, Progress, progress
from infra.structs import structs
from projections.analytics.queries.accumulate import chosen
from projections.analytics.queries.as_of import series_by_entity_as_of
from projections.analytics.queries.series import series_by_entity
from projections.analytics.summaries.key_figures import series_of
from projections.analytics.summaries.scope import SummaryScope
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
_METRICS: Mapping[CampaignFigure, tuple[Metric, Mode]] = {
    "followers": ("followers", "cumulative"),
    "new_followers": ("followers", "new"),
    "views": ("views", "cumulative"),
    "new_views": ("views", "new"),
    "engagement_rate": ("engagement_rate_by_views", "rate"),
    "posts": ("posts", "new"),
    "average_views_per_post": ("avg_views_per_post", "rate"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)


class CampaignTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's name and target."""

    id: UUID
    name: str
    target_views: int | None
    target_at: datetime | None
    starts_on: date | None
    created_at: datetime
    time_zone: str | None


class CampaignFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's figures of the range, their marks, and its progress as of now."""

    campaign_id: UUID
    name: str
    values: Mapping[CampaignFigure, Value]
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    progress: Progress


_FIELDS = """
SELECT c.id, c.name, c.target_views, c.target_at, c.starts_on, c.created_at,
       (SELECT time_zone FROM organizations o
        WHERE o.organization_id = %(organization)s)
FROM campaigns c
WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL
"""
_OF_PROJECT = f"{_FIELDS} AND c.project_id = %(scope)s".encode()
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


async def figures_of_campaigns(
    reader: Reader, scope: SummaryScope, days: Range, *, now: datetime
) -> list[CampaignFigures]:
    """Return the figures of all campaigns of a project, or in a campaign's tree."""
    query = _OF_PROJECT if scope.kind == "project" else _OF_CAMPAIGN
    rows = await reader.rows(scope.organization_id, query, scope.params)
    campaigns = structs(CampaignTarget, rows)
    ids = [campaign.id for campaign in campaigns]
    if not ids:
        return []
    whole = Bucket(date=days.first, start=days.start, end=days.end, days=days.days)
    in_range = await series_of(reader, scope.organization_id, "campaign", ids, [whole])
    recently = await series_of(
        reader, scope.organization_id, "campaign", ids, [_recent(now)]
    )
    return [
        _figures(campaign, in_range[campaign.id], recently[campaign.id], days, now)
        for campaign in campaigns
    ]


async def progress_of_campaign(
    reader: Reader,
    organization_id: UUID,
    campaign: CampaignTarget,
    *,
    now: datetime,
    at: int | None = None,
) -> Progress | None:
    """Return how far a campaign is, None without a target.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    if campaign.target_views is None:
        return None
    views = Question(entity="campaign", metric="views", mode="new")
    ids, buckets = [campaign.id], [_recent(now)]
    found = (
        await series_by_entity(reader, organization_id, views, ids, buckets)
        if at is None
        else await series_by_entity_as_of(
            reader, organization_id, views, ids, buckets, at=at
        )
    )
    return _progress(campaign, found[campaign.id], now)


def _figures(
    campaign: CampaignTarget,
    in_range: SeriesByMetric,
    recently: SeriesByMetric,
    days: Range,
    now: datetime,
) -> CampaignFigures:
    questions: dict[CampaignFigure, Question] = {
        figure: Question(entity="campaign", metric=metric, mode=mode)
        for figure, (metric, mode) in _METRICS.items()
    }
    new_followers = questions["new_followers"]
    followers = chosen(in_range, new_followers.needs)
    return CampaignFigures(
        campaign_id=campaign.id,
        name=campaign.name,
        values={
            figure: value_of(question, in_range, 0, days=days.days)
            for figure, question in questions.items()
        },
        followers_rounded=is_rounded(
            questions["followers"], in_range, 0, days=days.days
        ),
        new_followers_rounded=is_rounded(new_followers, in_range, 0, days=days.days),
        new_followers_sharpened=is_sharpened(followers, 0),
        progress=_progress(campaign, recently, now),
    )


def _progress(
    campaign: CampaignTarget, recently: SeriesByMetric, now: datetime
) -> Progress:
    zone = ZoneInfo(campaign.time_zone or "UTC")
    return progress(
        target_views=campaign.target_views,
        target_at=campaign.target_at,
        reached=recently["views"].level(0),
        recent_growth=recently["views"].new(0),
        began_at=campaign.created_at
        if campaign.starts_on is None
        else midnight(campaign.starts_on, zone),
        now=now,
    )


def _recent(now: datetime) -> Bucket:
    """Return the last days up to the end of the present quarter of an hour."""
    end = _EPOCH - (_EPOCH - now) // _QUARTER * _QUARTER
    start = end - timedelta(days=GROWTH_DAYS)
    return Bucket(date=start.date(), start=start, end=end, days=GROWTH_DAYS)
