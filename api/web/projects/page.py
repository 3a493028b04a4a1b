"""/projects: the projects with their figures, and the dashboard of each."""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.periods import DashboardDays, days_of
from api.web.dashboard.query import DashboardQuery
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.project_choices import remember_project
from projections.projects import Project

PATH = "/projects"

_PER_PAGE = 20


class ListedProject(Struct, frozen=True, kw_only=True):
    """A project with its key figures."""

    project: Project
    kpis: Kpis


class ProjectsPages(Controller):
    """The list of projects, and one project."""

    path = PATH

    @page_route()
    async def projects(
        self,
        page: NamedDependency[PageContext],
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the projects, newest first, with figures of the last 28 days."""
        got = await page.get(
            PATH, list[Project], limit=_PER_PAGE, cursor=cursor.strip()
        )
        zone = ZoneInfo(page.time_zone)
        days = days_of("", "", "", today=datetime.now(zone).date(), zone=zone)
        rows = await asyncio.gather(*(_listed(page, one, days) for one in got.data))
        context = {"rows": rows, "more_url": got.next_url(PATH)}
        return page.show("projects/list.html", context)

    @page_route("/{project_id:uuid}", query=DashboardQuery)
    async def project(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        choices: NamedDependency[DashboardQuery],
    ) -> Template:
        """Show the project at a glance."""
        got = await page.get(f"{PATH}/{project_id}", Project)
        remember_project(page, str(project_id))
        programme = Programme(
            kind="project", id=str(project_id), project_id=str(project_id)
        )
        context = {"project": got.data}
        return await show_dashboard(
            page, "projects/project.html", programme, choices, context
        )


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
