"""The shared parts of all pages of a campaign: name and days on top, and the tabs."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.response import Template

from api.http.errors import ApiError
from api.routes.campaigns.routes import ShownCampaign
from api.web.kit.page import PageContext


async def get_campaign(page: PageContext, campaign_id: UUID) -> ShownCampaign:
    """Return the campaign of a page.

    Raises:
        ApiRefusedError: ``not_found``, if the organization does not have it.
    """
    return (await page.get(f"/campaigns/{campaign_id}", ShownCampaign)).data


def show_campaign(
    page: PageContext,
    template: str,
    campaign: ShownCampaign,
    context: Mapping[str, Any],
    *,
    error: ApiError | None = None,
) -> Template:
    """Return a page of a campaign; its template extends ``campaigns/layout.html``."""
    given = {**shared_context(page, campaign), **context}
    return page.show(template, given, error=error)


def shared_context(page: PageContext, campaign: ShownCampaign) -> dict[str, Any]:
    days = own_days(page, campaign)
    query = "" if days is None else f"from={days[0]}&to={days[1]}"
    return {"campaign": campaign, "own_days": query}


def own_days(page: PageContext, campaign: ShownCampaign) -> tuple[date, date] | None:
    """Return the campaign's days up to today.

    None if it has not begun, has no first day, or began before the plan shows numbers.
    """
    today = datetime.now(ZoneInfo(page.time_zone)).date()
    keeps = page.principal.limits.stats_history_retention_days
    shown_since = date.min if keeps is None else today - timedelta(days=keeps)
    if campaign.starts_on is None or not shown_since <= campaign.starts_on <= today:
        return None
    return campaign.starts_on, min(campaign.ends_on or today, today)
