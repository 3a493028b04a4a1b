"""/alerts: Program Health, and one alert."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from api.routes.alerts.alerts import AlertFilter
from api.routes.sources import ProviderState
from api.web.compare.projects import project_names
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery
from projections.alerts.health import CreatorHealth
from projections.alerts.queries import Alert, AlertRule
from workers.sources.table import PROVIDERS

PATH: Final = "/alerts"
TABS: Final = (
    (PATH, "Program Health"),
    ("/alerts/rules", "Rules"),
    ("/notifications", "Notifications"),
)
_STATES: Final[tuple[tuple[AlertFilter, str], ...]] = (
    ("open", "Open"),
    ("resolved", "Resolved"),
)
_PER_PAGE: Final = 50
_SNOOZED_FOR: Final = timedelta(days=1)


class AlertsQuery(PageQuery, frozen=True, kw_only=True):
    """The alerts to show: open ones, unless another state is chosen."""

    show: str = "open"
    rule_id: str = ""
    cursor: str = ""


class AlertPages(Controller):
    """Program Health, and the alerts in it."""

    path = PATH

    @page_route(query=AlertsQuery)
    async def health(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[AlertsQuery],
    ) -> Template:
        """Show alerts, and how fresh and complete the data are."""
        project_id = page.project_filter
        alerts, health, sources, projects = await asyncio.gather(
            page.get(
                PATH,
                list[Alert],
                state=choices.show or "open",
                rule_id=choices.rule_id,
                project_id=project_id,
                cursor=choices.cursor,
                limit=_PER_PAGE,
            ),
            page.get(
                "/program-health",
                list[CreatorHealth],
                project_id=project_id,
                limit=_PER_PAGE,
            ),
            _sources(page),
            project_names(page),
        )
        following = alerts.meta["nextCursor"]
        return page.show(
            "alerts/page.html",
            {
                "alerts": alerts.data,
                "states": _STATES,
                "query": choices,
                "more_url": following and PATH + choices.address(cursor=following),
                "health": health.data,
                "has_more_creators": health.meta["nextCursor"] is not None,
                "projects": {str(id_): name for id_, name in projects.items()},
                "sources": sources,
                "source_names": {key: row.guide.name for key, row in PROVIDERS.items()},
                "tabs_of": TABS,
                "now": datetime.now(UTC),
            },
        )

    @page_route("/{alert_id:uuid}")
    async def alert(
        self, page: NamedDependency[PageContext], alert_id: FromPath[UUID]
    ) -> Template:
        """Show one alert with its evidence."""
        alert = (await page.get(f"{PATH}/{alert_id}", Alert)).data
        context = {"alert": alert, "tabs_of": TABS, "now": datetime.now(UTC)}
        return page.show("alerts/alert.html", context)

    @form_route("/{alert_id:uuid}/acknowledge")
    async def acknowledge(
        self, page: NamedDependency[PageContext], alert_id: FromPath[UUID]
    ) -> PageResponse:
        """Note that somebody cares for the alert."""
        await page.send("POST", f"{PATH}/{alert_id}/acknowledge", Alert)
        page.flash("The alert is acknowledged.")
        return page.go_to(f"{PATH}/{alert_id}")

    @form_route("/{alert_id:uuid}/snooze")
    async def snooze(
        self, page: NamedDependency[PageContext], alert_id: FromPath[UUID]
    ) -> PageResponse:
        """Put the alert aside for a day."""
        until = (datetime.now(UTC) + _SNOOZED_FOR).isoformat()
        await page.send("POST", f"{PATH}/{alert_id}/snooze", Alert, {"until": until})
        page.flash("The alert is put aside for a day.")
        return page.go_to(f"{PATH}/{alert_id}")


async def _sources(page: PageContext) -> list[ProviderState]:
    if not (page.operates and page.may("admin")):
        return []
    found = (await page.get("/sources", list[ProviderState])).data
    return [each for each in found if each.configured]


async def all_rules(page: PageContext) -> list[AlertRule]:
    """Return the rules of the organization."""
    found: list[AlertRule] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        got = await page.get("/alert-rules", list[AlertRule], **query)
        found += got.data
        if got.meta["nextCursor"] is None:
            return found
        query["cursor"] = got.meta["nextCursor"]
