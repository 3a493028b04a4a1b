"""/campaigns: the campaigns of a project with their figures, as a page and a file."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec.structs import replace

from api.http.errors import ApiError, Code
from api.web.campaigns.rows import (
    PHASES,
    TARGETS,
    CampaignsQuery,
    days_in,
    file_of,
    rows_of,
)
from api.web.dashboard.figure_table import COLUMNS
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import page_route
from api.web.kit.list_query import CUSTOM, PERIODS, days_in_words
from api.web.kit.page import PageContext
from api.web.kit.views import views_of
from projections.projects import Project

PATH = "/campaigns"

_SHOWN = 50
_DISPOSITION = 'attachment; filename="campaigns.csv"'
_WRONG_DAYS = {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}


class CampaignsPage(Controller):
    @page_route(PATH, query=CampaignsQuery)
    async def campaigns(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CampaignsQuery],
    ) -> Template:
        """Show the campaigns of the chosen project, or of all projects."""
        choices = replace(choices, project_id=page.project_filter)
        projects, views = await asyncio.gather(
            all_projects(page), views_of(page, "campaigns", choices.saved)
        )
        if not projects:
            return page.show("dashboard/begin.html", {"project": None})
        context: dict[str, Any] = {
            "projects": projects,
            "project_id": page.project_id,
            "query": choices,
            "columns": COLUMNS,
            "phases": PHASES,
            "targets": TARGETS,
            "periods": PERIODS,
            "custom": CUSTOM,
            "chips": choices.chips,
            "views": views,
            "first": f"{PATH}{choices.address(cursor='')}",
            "has_many": len(projects) > 1 and not choices.project_id,
            "may_write": page.may("write"),
            "rows": [],
            "more": None,
        }
        try:
            days = days_in(page, choices)
            names = _names(projects, choices.project_id)
            rows = await rows_of(page, choices, days, names)
        except ApiError as error:
            # Own dates are typed; everything else comes from links and choices.
            if error.code not in _WRONG_DAYS or choices.period_name:
                raise
            return page.show("campaigns/list.html", context, error=error)
        end = choices.shown_before + _SHOWN
        context |= {
            "rows": rows[choices.shown_before : end],
            "meta": {
                "total_count": len(rows),
                "first_day": days.first,
                "last_day": days.last,
            },
            "words": days_in_words(choices.period_name, days.first, days.last),
        }
        if end < len(rows):
            context["more"] = f"{PATH}{choices.address(cursor=str(end))}"
        return page.show("campaigns/list.html", context)

    @page_route("/campaigns.csv", query=CampaignsQuery)
    async def campaigns_file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CampaignsQuery],
    ) -> Response[bytes]:
        """Answer with the whole list as a CSV file."""
        choices = replace(choices, project_id=page.project_filter)
        names = _names(await all_projects(page), choices.project_id)
        rows = await rows_of(page, choices, days_in(page, choices), names)
        return csv_file(file_of(rows), disposition=_DISPOSITION)


async def chosen_file(
    page: PageContext, choices: CampaignsQuery, ids: set[UUID]
) -> Response[bytes]:
    """Return the chosen campaigns, of any project, as a CSV file."""
    names = _names(await all_projects(page), "")
    rows = await rows_of(page, choices, days_in(page, choices), names)
    chosen = [row for row in rows if row.campaign.campaign_id in ids]
    return csv_file(file_of(chosen), disposition=_DISPOSITION)


def _names(projects: Sequence[Project], project_id: str) -> dict[str, str]:
    """Return the names of the chosen projects by id; an unknown id has none."""
    names = {str(one.id): one.name for one in projects}
    return {project_id: names.get(project_id, "")} if project_id else names
