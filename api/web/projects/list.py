"""/projects: the projects with their figures, and the form of a new one."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec.structs import asdict

from api.web.dashboard.figure_table import COLUMNS, FigureTableQuery
from api.web.dashboard.periods import days_of
from api.web.dashboard.project_rows import listed_projects
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.list_query import PERIODS
from api.web.kit.page import PageContext, PageResponse
from api.web.projects.forms import PROJECT, SHOWN_ERRORS, NewProjectForm
from api.web.settings.layout import SETTINGS_TABS
from projections.projects import Project

PATH = "/projects"
_MOST_SHOWN = 100
_EMPTY = dict.fromkeys(PROJECT.by_name, "")


class ProjectsPage(Controller):
    """The list of projects."""

    path = PATH

    @page_route(query=FigureTableQuery)
    async def projects(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[FigureTableQuery],
    ) -> Template:
        """Show the projects, the one with the most new views first."""
        return await _show(page, choices)

    @form_route(form=NewProjectForm)
    async def create(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a project and go to it."""
        texts = asdict(page.form(NewProjectForm))
        try:
            got = await page.send("POST", PATH, Project, PROJECT.read(texts))
        except ApiRefusedError as error:
            if error.code not in SHOWN_ERRORS:
                raise
            return await _show(page, FigureTableQuery(), texts=texts, error=error)
        page.site.forget(page.principal.organization_id)
        page.flash(f"The project {got.data.name} was created.")
        return page.go_to(f"{PATH}/{got.data.id}")


async def _show(
    page: PageContext,
    choices: FigureTableQuery,
    *,
    texts: Mapping[str, str] = _EMPTY,
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get(PATH, list[Project], limit=_MOST_SHOWN)
    archived = await page.get(PATH, list[Project], status="archived", limit=_MOST_SHOWN)
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    days = days_of(choices.period, "", "", today=today, zone=zone)
    rows = await listed_projects(page, got.data, days)
    context = {
        "rows": choices.in_order(
            rows,
            name_of=lambda row: row.project.name,
            figure_of=lambda row, name: row.figure(name).value,
        ),
        "archived": archived.data,
        "has_more": got.meta["nextCursor"] is not None,
        "columns": COLUMNS,
        "query": choices,
        "periods": PERIODS,
        "form": texts,
        "tabs": page.tabs(SETTINGS_TABS),
        "tab": PATH,
    }
    return page.show("projects/list.html", context, error=error)
