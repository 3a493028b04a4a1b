"""What all pages of a campaign share: its name and days on top, and the tabs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar.response import Template

from api.http.errors import ApiError
from api.routes.campaigns.routes import ShownCampaign
from api.web.kit.page import PageContext


async def get_campaign(page: PageContext, campaign_id: UUID) -> ShownCampaign:
    """Return the campaign that a page is about.

    Raises:
        ApiRefusedError: ``not_found``, if it is not one of the organization's.
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
    return page.show(template, {"campaign": campaign, **context}, error=error)
