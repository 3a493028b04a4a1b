"""Shows a dashboard on a page: its numbers, or the problem of its query."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.web.charts.measures import groups_for
from api.web.dashboard.dashboard import Programme, dashboard_of
from api.web.dashboard.query import DashboardQuery
from api.web.kit.list_query import PERIODS
from api.web.kit.page import PageContext


async def show_dashboard(
    page: PageContext,
    template: str,
    programme: Programme,
    query: DashboardQuery,
    context: Mapping[str, Any],
) -> Template:
    """Return a page whose template includes ``dashboard/dashboard.html``."""
    given: dict[str, Any] = {
        "programme": programme,
        "query": query,
        "periods": PERIODS,
        "groups": groups_for(programme.kind),
        "dashboard": None,
        "now": datetime.now(UTC),
        "letterhead": await page.letterhead(programme.project_id),
        **context,
    }
    try:
        given["dashboard"] = await dashboard_of(page, programme, query)
    except ApiError as error:
        # The form stays, with the user's choices and the error.
        if error.code not in {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}:
            raise
        return page.show(template, given, error=error)
    return page.show(template, given)
