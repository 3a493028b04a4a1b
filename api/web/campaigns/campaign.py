"""/campaigns/{id}: the dashboard of a campaign, its history, and its settings."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec.structs import replace

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.campaigns.routes import ShownCampaign
from api.web.campaigns.forms import (
    SHOWN_ERRORS,
    CampaignForm,
    body_of,
    form_of,
    other_end,
)
from api.web.campaigns.layout import (
    get_campaign,
    own_days,
    shared_context,
    show_campaign,
)
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.money import CURRENCIES
from projections.campaigns.queries import Campaign
from projections.creator_history.entries import HistoryEntry

_PATH = "/campaigns/{campaign_id:uuid}"


class CampaignPages(Controller):
    path = _PATH

    @page_route(query=DashboardQuery)
    async def dashboard(
        self,
        page: NamedDependency[PageContext],
        campaign_id: FromPath[UUID],
        choices: NamedDependency[DashboardQuery],
    ) -> Template:
        """Show the campaign at a glance, by default in its own days."""
        async with page.one_moment():
            campaign = await get_campaign(page, campaign_id)
            days = own_days(page, campaign)
            its = None if days is None else tuple(day.isoformat() for day in days)
            if its is not None and not (choices.period or choices.from_ or choices.to):
                choices = replace(choices, from_=its[0], to=its[1])
            programme = Programme(
                kind="campaign",
                id=str(campaign_id),
                project_id=str(campaign.project_id),
            )
            context = {
                **shared_context(page, campaign),
                "has_its_days": its is not None,
                "is_in_its_days": (choices.from_, choices.to) == its,
            }
            return await show_dashboard(
                page, "campaigns/campaign.html", programme, choices, context
            )

    @page_route("/history")
    async def history(
        self,
        page: NamedDependency[PageContext],
        campaign_id: FromPath[UUID],
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the history of the campaign, newest first."""
        campaign = await get_campaign(page, campaign_id)
        path = f"/campaigns/{campaign_id}/history"
        got = await page.get(path, list[HistoryEntry], cursor=cursor.strip(), limit=50)
        context = {"entries": got.data, "more_url": got.next_url(path)}
        return show_campaign(page, "campaigns/history.html", campaign, context)

    @page_route("/settings", scope="write")
    async def settings(
        self, page: NamedDependency[PageContext], campaign_id: FromPath[UUID]
    ) -> Template:
        """Show the form that changes the campaign, and the button that deletes it."""
        campaign = await get_campaign(page, campaign_id)
        return _settings(page, campaign, form_of(campaign))

    @form_route("/settings", form=CampaignForm)
    async def change(
        self, page: NamedDependency[PageContext], campaign_id: FromPath[UUID]
    ) -> PageResponse:
        """Change the campaign, unless another person changed it meanwhile."""
        form = page.form(CampaignForm)
        campaign = await get_campaign(page, campaign_id)
        path = f"/campaigns/{campaign_id}"
        try:
            body = body_of(form, time_zone=page.time_zone, was=campaign)
            await page.send("PATCH", path, Campaign, body, version=form.made_from)
        except ApiError as error:
            if error.code not in SHOWN_ERRORS:
                raise
            return _settings(page, campaign, form, error=error)
        page.flash("The campaign was saved.")
        return page.go_to(path)

    @form_route("/delete")
    async def delete(
        self, page: NamedDependency[PageContext], campaign_id: FromPath[UUID]
    ) -> PageResponse:
        """Delete the campaign; its creators and videos are still tracked."""
        got = await page.send("DELETE", f"/campaigns/{campaign_id}", Campaign)
        page.flash(f"The campaign {got.data.name} was deleted.")
        return page.go_to(f"/campaigns?project_id={got.data.project_id}")


def _settings(
    page: PageContext,
    campaign: ShownCampaign,
    form: CampaignForm,
    *,
    error: ApiError | None = None,
) -> Template:
    has_conflict = error is not None and error.code is Code.VERSION_CONFLICT
    context = {
        "form": form,
        "has_conflict": has_conflict,
        "other_end": other_end(campaign, time_zone=page.time_zone),
        "currencies": sorted(CURRENCIES),
    }
    return show_campaign(
        page, "campaigns/settings.html", campaign, context, error=error
    )
