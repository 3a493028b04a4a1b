"""/: the dashboard of one project or campaign."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from msgspec.structs import replace

from api.http.query import invalid_query
from api.routes.campaigns.routes import ShownCampaign
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.forms.project_choices import (
    all_projects,
    last_project,
    remember_project,
)
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import page_after_sign_in
from projections.campaigns.queries import Campaign

# A longer choice is made on the list of campaigns.
_MOST_CAMPAIGNS = 100


class HomeQuery(DashboardQuery, frozen=True, kw_only=True):
    """The choices of a dashboard, and its project or campaign.

    A campaign of another project than the chosen one is ignored. ``next`` is the page
    to continue to for users who are signed in already.
    """

    project_id: str = ""
    campaign_id: str = ""
    next: str = ""


class HomePage(Controller):
    """The first page."""

    @page_route(query=HomeQuery)
    async def home(
        self, page: NamedDependency[PageContext], choices: NamedDependency[HomeQuery]
    ) -> PageResponse:
        """Show the dashboard of the chosen project, by default the last one chosen."""
        if choices.next:
            return page.go_to(page_after_sign_in(choices.next))
        projects = await all_projects(page)
        is_chosen = choices.project_id or choices.campaign_id
        if not projects and not is_chosen:
            return page.show("dashboard/begin.html", {"project": None})
        campaign = await _campaign(page, choices)
        project_id = choices.project_id or (
            str(campaign.project_id) if campaign else last_project(page, projects)
        )
        if is_chosen:
            remember_project(page, project_id)
        campaigns = await page.get(
            "/campaigns", list[Campaign], project_id=project_id, limit=_MOST_CAMPAIGNS
        )
        return await show_dashboard(
            page,
            "dashboard/home.html",
            Programme(
                kind="campaign" if campaign else "project",
                id=str(campaign.id) if campaign else project_id,
                project_id=project_id,
            ),
            choices if campaign else replace(choices, campaign_id=""),
            {
                "projects": projects,
                "project": next((p for p in projects if str(p.id) == project_id), None),
                "campaigns": campaigns.data,
                "campaign": campaign,
            },
        )


async def _campaign(page: PageContext, choices: HomeQuery) -> ShownCampaign | None:
    """Return the chosen campaign, None if the chosen project does not have it.

    Raises:
        ApiError: ``invalid_query``, if the text is no id.
        ApiRefusedError: ``not_found``, if the organization does not have the campaign.
    """
    if not choices.campaign_id:
        return None
    try:
        campaign_id = UUID(choices.campaign_id)
    except ValueError:
        raise invalid_query("campaign_id", "must be a UUID") from None
    found = (await page.get(f"/campaigns/{campaign_id}", ShownCampaign)).data
    is_of_it = choices.project_id in {"", str(found.project_id)}
    return found if is_of_it else None
