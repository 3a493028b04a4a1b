"""/campaigns: the campaigns of a project with their figures."""

from datetime import datetime
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template

from api.routes.aggregate.campaigns import CampaignLeaderboardRow
from api.web.dashboard.figure_table import COLUMNS, FigureTableQuery
from api.web.dashboard.periods import PERIODS, days_of
from api.web.kit.forms.project_choices import (
    all_projects,
    last_project,
    remember_project,
)
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext

PATH = "/campaigns"

_MOST_SHOWN = 100


class CampaignsQuery(FigureTableQuery, frozen=True, kw_only=True):
    """The project, the days and the order of the list."""

    project_id: str = ""


class CampaignsPage(Controller):
    """The list of campaigns."""

    path = PATH

    @page_route(query=CampaignsQuery)
    async def campaigns(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CampaignsQuery],
    ) -> Template:
        """Show the campaigns of the chosen project, by default the last one chosen."""
        return await _show(page, choices)


async def _show(
    page: PageContext,
    choices: CampaignsQuery,
) -> Template:
    projects = await all_projects(page)
    if not projects and not choices.project_id:
        return page.show("dashboard/begin.html", {"project": None})
    project_id = choices.project_id or last_project(page, projects)
    if choices.project_id:
        remember_project(page, project_id)
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    days = days_of(choices.period, "", "", today=today, zone=zone)
    got = await page.get(
        "/analytics/aggregate/campaign-leaderboard",
        list[CampaignLeaderboardRow],
        project_id=project_id,
        limit=_MOST_SHOWN,
        order=choices.sorted_by if choices.sorted_by in COLUMNS else "",
        **{"from": days.first.isoformat(), "to": days.last.isoformat()},
    )
    context = {
        "projects": projects,
        "project_id": project_id,
        "query": choices,
        "periods": PERIODS,
        "days": days,
        "rows": choices.in_order(
            got.data,
            name_of=lambda row: row.name,
            figure_of=getattr,
        ),
        "columns": COLUMNS,
        "total": got.meta["totalCount"],
    }
    return page.show("campaigns/list.html", context)
