"""/campaigns: the campaigns of a project with their figures."""

import asyncio
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import field
from msgspec.structs import replace

from api.routes.aggregate.campaigns import CampaignLeaderboardRow
from api.web.dashboard.figure_table import COLUMNS, FigureTableQuery
from api.web.dashboard.periods import PERIODS, days_of
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.views import views_of

PATH = "/campaigns"

_MOST_SHOWN = 100


class CampaignsQuery(FigureTableQuery, frozen=True, kw_only=True):
    """The days and the order of the list, and the project."""

    project_id: str = field(default="", name="project")

    @property
    def saved(self) -> dict[str, str]:
        """Return the parameters that a view of the list keeps."""
        query = self.pairs(project="")
        project = {"project_id": self.project_id} if self.project_id else {}
        return {**query, **project}


class CampaignsPage(Controller):
    """The list of campaigns."""

    path = PATH

    @page_route(query=CampaignsQuery)
    async def campaigns(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CampaignsQuery],
    ) -> Template:
        """Show the campaigns of the chosen project, or of all projects."""
        choices = replace(choices, project_id=page.named_project)
        return await _show(page, choices)


async def _show(
    page: PageContext,
    choices: CampaignsQuery,
) -> Template:
    projects = await all_projects(page)
    if not projects and not page.project_id:
        return page.show("dashboard/begin.html", {"project": None})
    ids = [page.project_id] if page.project_id else [str(one.id) for one in projects]
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    days = days_of(choices.period, "", "", today=today, zone=zone)
    listed = await asyncio.gather(
        *(
            page.get(
                "/analytics/aggregate/campaign-leaderboard",
                list[CampaignLeaderboardRow],
                project_id=project_id,
                limit=_MOST_SHOWN,
                order=choices.sorted_by if choices.sorted_by in COLUMNS else "",
                **{"from": days.first.isoformat(), "to": days.last.isoformat()},
            )
            for project_id in ids
        )
    )
    rows = [row for got in listed for row in got.data]
    names = {one.id: one.name for one in projects}
    project_names = {
        row.campaign_id: names[UUID(project_id)]
        for project_id, got in zip(ids, listed, strict=True)
        for row in got.data
        if len(ids) > 1
    }
    context = {
        "projects": projects,
        "project_id": page.project_id,
        "project_names": project_names,
        "query": choices,
        "periods": PERIODS,
        "days": days,
        "rows": choices.in_order(
            rows,
            name_of=lambda row: row.name,
            figure_of=getattr,
        ),
        "columns": COLUMNS,
        "total": sum(got.meta["totalCount"] for got in listed),
        "views": await views_of(page, "campaigns", choices.saved),
    }
    return page.show("campaigns/list.html", context)
