"""/: the dashboard of one project or campaign, or of all projects."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from msgspec import field
from msgspec.structs import replace

from api.http.query import invalid_query
from api.routes.campaigns.routes import ShownCampaign
from api.web.dashboard.all_projects import show_all_projects
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.forms.project_choices import all_projects, some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import page_after_sign_in
from api.web.sign_in.page import SignIn

# The organization whose note about invitations was read in this browser.
_NOTE_COOKIE = "goatherd_note_read"
_YEAR_SECONDS = 365 * 86_400


class HomeQuery(DashboardQuery, frozen=True, kw_only=True):
    """The choices of a dashboard, and its project or campaign.

    A campaign of another project than the one in the address is ignored. ``next`` is
    the page to continue to for users who are signed in already.
    """

    project_id: str = field(default="", name="project")
    campaign_id: str = ""
    next: str = ""


class HomePage(Controller):
    """The first page."""

    @form_route("/members/not-now", scope="admin")
    async def invite_later(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Say no more in this browser that people can be invited."""
        page.set_cookie(
            _NOTE_COOKIE, str(page.principal.organization_id), seconds=_YEAR_SECONDS
        )
        return page.go_to("/")

    @page_route(query=HomeQuery)
    async def home(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[HomeQuery],
        sign_in: NamedDependency[SignIn],
    ) -> PageResponse:
        """Show the dashboard of the chosen project, or that of all projects."""
        if choices.next:
            return page.go_to(page_after_sign_in(choices.next))
        async with page.one_moment():
            page.invites = await _invites(page, sign_in)
            projects = await all_projects(page)
            if not projects and not (page.project_id or choices.campaign_id):
                return page.show("dashboard/begin.html", {"project": None})
            campaign = await _campaign(page, choices.campaign_id)
            if campaign is not None:
                page.remember_project(str(campaign.project_id))
            project_id = page.project_id
            if not project_id:
                return await show_all_projects(page, choices, projects)
            campaigns = await some_campaigns(page, project_id=project_id)
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
                    "project": next(
                        (p for p in projects if str(p.id) == project_id), None
                    ),
                    "campaigns": campaigns,
                    "campaign": campaign,
                },
            )


async def _invites(page: PageContext, sign_in: SignIn) -> bool:
    """Return whether Home says that people can be invited, until it was read."""
    organization_id = page.principal.organization_id
    read = page.request.sent_cookies.get(_NOTE_COOKIE)
    if not page.may("admin") or read == str(organization_id):
        return False
    return not await sign_in.joining.has_colleagues(organization_id)


async def _campaign(page: PageContext, text: str) -> ShownCampaign | None:
    """Return the chosen campaign, None if the address has a project without it.

    Raises:
        ApiError: ``invalid_query``, if the text is no id.
        ApiRefusedError: ``not_found``, if the organization does not have the campaign.
    """
    if not text:
        return None
    try:
        campaign_id = UUID(text)
    except ValueError:
        raise invalid_query("campaign_id", "must be a UUID") from None
    found = (await page.get(f"/campaigns/{campaign_id}", ShownCampaign)).data
    is_of_it = page.named_project in {"", str(found.project_id)}
    return found if is_of_it else None
