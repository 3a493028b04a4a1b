"""/projects: the projects with their figures, and a new one."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.web.dashboard.periods import (
    PERIODS,
    USUAL_PERIOD,
    DashboardDays,
    PeriodNameOrNone,
    days_of,
)
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery
from api.web.projects.forms import SHOWN_ERRORS, ProjectForm, body_of
from domain.analytics.kpis import Kpi
from projections.projects import Project

PATH = "/projects"
# The columns by the names of their key figures.
COLUMNS = {
    "views": "All views",
    "new_views": "New views",
    "new_followers": "New followers",
    "engagement_rate": "Engagement",
    "posts": "Posts",
}

_MOST_SHOWN = 100
_USUAL_SORT = "new_views"
_EMPTY = ProjectForm()


class ProjectsQuery(PageQuery, frozen=True, kw_only=True):
    """Over which days, and in which order."""

    period: PeriodNameOrNone = ""
    sort: str = ""
    order: str = ""

    @property
    def sorted_by(self) -> str:
        """Return the column to sort by; an unknown one is the usual one."""
        known = self.sort in COLUMNS or self.sort == "name"
        return self.sort if known else _USUAL_SORT

    @property
    def is_rising(self) -> bool:
        return (self.order or _usual_order(self.sorted_by)) == "asc"

    def order_of(self, name: str) -> str:
        """Return the order of a column; nothing unless the table is sorted by it."""
        if name != self.sorted_by:
            return ""
        return "asc" if self.is_rising else "desc"

    def sorted(self, name: str) -> str:
        """Return the address of the list sorted by a column, or the other way."""
        order = usual = _usual_order(name)
        if name == self.sorted_by:
            order = "desc" if self.is_rising else "asc"
        return self.address(sort=name, order="" if order == usual else order)


class ListedProject(Struct, frozen=True, kw_only=True):
    """A project with its key figures."""

    project: Project
    kpis: Kpis

    def figure(self, name: str) -> Kpi:
        return getattr(self.kpis, name)


class ProjectsPage(Controller):
    """The list of projects."""

    path = PATH

    @page_route(query=ProjectsQuery)
    async def projects(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[ProjectsQuery],
    ) -> Template:
        """Show the projects, those with the most new views first."""
        return await _show(page, choices)

    @form_route(form=ProjectForm)
    async def create(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a project and go to it."""
        form = page.form(ProjectForm)
        try:
            got = await page.send("POST", PATH, Project, body_of(form))
        except ApiRefusedError as error:
            if error.code not in SHOWN_ERRORS:
                raise
            return await _show(page, ProjectsQuery(), form=form, error=error)
        page.flash(f"The project {got.data.name} was created.")
        return page.go_to(f"{PATH}/{got.data.id}")


async def _show(
    page: PageContext,
    choices: ProjectsQuery,
    *,
    form: ProjectForm = _EMPTY,
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get(PATH, list[Project], limit=_MOST_SHOWN)
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    days = days_of(choices.period, "", "", today=today, zone=zone)
    rows = await asyncio.gather(*(_listed(page, one, days) for one in got.data))
    context = {
        "rows": _sorted(rows, choices),
        "has_more": got.meta["nextCursor"] is not None,
        "columns": COLUMNS,
        "query": choices,
        "periods": PERIODS,
        "period": choices.period or USUAL_PERIOD,
        "form": form,
    }
    return page.show("projects/list.html", context, error=error)


async def _listed(
    page: PageContext, project: Project, days: DashboardDays
) -> ListedProject:
    got = await page.get(
        "/analytics/kpis",
        Kpis,
        project_id=str(project.id),
        **{"from": days.first.isoformat(), "to": days.last.isoformat()},
    )
    return ListedProject(project=project, kpis=got.data)


def _sorted(rows: list[ListedProject], choices: ProjectsQuery) -> list[ListedProject]:
    """Return the rows in the chosen order; what is unknown comes last."""
    name = choices.sorted_by
    if name == "name":
        return sorted(
            rows,
            key=lambda row: row.project.name.casefold(),
            reverse=not choices.is_rising,
        )
    sign = 1 if choices.is_rising else -1

    def key(row: ListedProject) -> tuple[bool, float]:
        value = row.figure(name).value
        return value is None, sign * (value or 0)

    return sorted(rows, key=key)


def _usual_order(name: str) -> str:
    return "asc" if name == "name" else "desc"
