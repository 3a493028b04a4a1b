"""Projects with their key figures, for tables of projects."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.web.dashboard.periods import DashboardDays
from api.web.kit.page import PageContext
from domain.analytics.summaries.kpis import Kpi
from projections.projects import Project


class ListedProject(Struct, frozen=True, kw_only=True):
    """A project with its key figures."""

    project: Project
    kpis: Kpis

    def figure(self, name: str) -> Kpi:
        return getattr(self.kpis, name)


async def listed_projects(
    page: PageContext, projects: Sequence[Project], days: DashboardDays
) -> list[ListedProject]:
    return await asyncio.gather(*(_listed(page, one, days) for one in projects))


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
