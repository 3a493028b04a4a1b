"""/: the programme at a glance, of one project or campaign."""

from litestar import Controller
from litestar.di import NamedDependency

from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.project_choices import all_projects, last_project, remember_project
from api.web.kit.sign_in_form import page_after_sign_in


class HomeQuery(DashboardQuery, frozen=True, kw_only=True):
    """The choices of a dashboard, and what it is of.

    ``next`` is the page to go on to, for who signed in already.
    """

    project_id: str = ""
    next: str = ""


class HomePage(Controller):
    """The page that opens first."""

    @page_route(query=HomeQuery)
    async def home(
        self, page: NamedDependency[PageContext], choices: NamedDependency[HomeQuery]
    ) -> PageResponse:
        """Show the dashboard of the chosen project, else of the last one chosen."""
        if choices.next:
            return page.go_to(page_after_sign_in(choices.next))
        projects = await all_projects(page)
        if not projects and not choices.project_id:
            return page.show("dashboard/begin.html", {"project": None})
        project_id = choices.project_id or last_project(page, projects)
        if choices.project_id:
            remember_project(page, project_id)
        return await show_dashboard(
            page,
            "dashboard/home.html",
            Programme(kind="project", id=project_id, project_id=project_id),
            choices,
            {
                "projects": projects,
                "project": next((p for p in projects if str(p.id) == project_id), None),
            },
        )
