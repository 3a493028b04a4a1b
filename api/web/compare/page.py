"""/compare: creators, projects, campaigns or videos on one chart, or as CSV."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct
from msgspec.structs import replace

from api.http.csv_text import csv_text, text_cell
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.analytics.parameters import MOST_ENTITIES, zone_named
from api.routes.analytics.responses import Analytics
from api.routes.creators.figures import RecentFigures
from api.web.annotations.on_charts import happened_of, note_subject
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import chart_of
from api.web.charts.drawing import ChartMark
from api.web.charts.marks import marks_of, posts_of
from api.web.charts.measures import POSTS, CountedMeasure, groups_for
from api.web.charts.periods import (
    GRANULARITIES,
    PRESETS,
    Period,
    days_of_preset,
    fitting,
)
from api.web.compare.campaigns import compared_campaigns
from api.web.compare.projects import (
    letterhead_of,
    project_names,
    projects_of,
    with_project_names,
)
from api.web.compare.query import CompareQuery
from api.web.compare.since_start import (
    rows_since_start,
    since_their_start,
    table_since_start,
)
from api.web.kit.csv_file import csv_file
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.site import Letterhead
from domain.analytics.metrics import Mode
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator
from projections.projects import Project

ENTITIES = {
    "creator": "Creators",
    "project": "Projects",
    "campaign": "Campaigns",
    "video": "Videos",
}
MODES: dict[Mode, str] = {"new": "new", "cumulative": "cumulative", "rate": "as a rate"}
_SUGGESTED = 8


class Suggestion(Struct, frozen=True, kw_only=True):
    """A creator, or another entity, that can be added to the chart."""

    id: str
    label: str
    project: str | None = None
    followers: int | None = None
    is_rounded: bool = False


class ComparePage(Controller):
    """Several creators, projects, campaigns or videos on one chart."""

    @page_route("/compare", query=CompareQuery)
    async def compare(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CompareQuery],
        search: FromQuery[str] = "",
    ) -> PageResponse:
        """Show the comparison.

        An address without some of the choices is completed first.
        """
        query = _with_entity(choices)
        context: dict[str, Any] = {
            "query": query,
            "chart": None,
            "entities": ENTITIES,
            "granularities": GRANULARITIES,
            "groups": groups_for(query.entity),
            "modes": MODES,
            "most": MOST_ENTITIES,
            "search": search,
            "suggestions": [],
            "letterhead": Letterhead(),
        }
        try:
            exact = query.exactly(
                today=_today(page, query.tz), time_zone=page.time_zone
            )
            if exact != query and exact.ids and not search:
                if query.mode and query.mode != exact.mode:
                    page.flash(_without(exact, query.mode))
                return page.go_to(f"/compare{exact.address()}")
            context |= {"query": exact}
            is_in_project = exact.entity in ("creator", "campaign")
            names = await project_names(page) if is_in_project else {}
            projects = await projects_of(page, exact)
            context["letterhead"] = await letterhead_of(page, projects)
            context |= await _compared(page, exact, _named(projects, names))
            context["suggestions"] = await _suggestions(page, exact, search, names)
        except ApiError as error:
            if error.code not in {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}:
                raise
            return page.show("compare/compare.html", context, error=error)
        return page.show("compare/compare.html", context)

    @page_route("/compare.csv", query=CompareQuery)
    async def compare_file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CompareQuery],
    ) -> Response[bytes]:
        """Answer with the same numbers as a CSV file."""
        query = _with_entity(choices)
        today = _today(page, query.tz)
        if query.is_since_start:
            found = await since_their_start(page, query, today=today)
            text = (
                table_since_start(found)
                if query.layout
                else rows_since_start(found, query)
            )
            name = f"compared-{query.measure.name}-since-start.csv"
            return csv_file(text.encode(), disposition=_attached(name))
        period = query.period(today=today)
        analytics = _analytics(page, query)
        if query.layout:
            answer = await analytics.numbers(query.measure, query.counting, period)
            if query.entity == "creator":
                # Two projects may track one account.
                names = await project_names(page)
                projects = await projects_of(page, query) if names else {}
                answer = with_project_names(answer, _named(projects, names))
            name = f"compared-{query.metric}-{period.first}-{period.last}.csv"
            return csv_file(table_of(answer).encode(), disposition=_attached(name))
        raw = await analytics.csv(query.measure, query.counting, period)
        return csv_file(raw.body, disposition=raw.headers["content-disposition"])


def _attached(name: str) -> str:
    return f'attachment; filename="{name}"'


def _with_entity(query: CompareQuery) -> CompareQuery:
    return query if query.entity else replace(query, entity="creator")


def _without(exact: CompareQuery, mode: Mode) -> str:
    """Return a message that a metric does not have the requested mode."""
    label, shown = exact.measure.label, MODES[exact.counting]
    return f"“{label}” cannot be counted “{MODES[mode]}”: it is shown “{shown}”."


def _named(
    projects: Mapping[str, UUID | None], names: Mapping[UUID, str]
) -> dict[str, str]:
    """Return the name of each thing's project; nothing without names to choose from."""
    return {
        id_: names.get(project, "") if project else ""
        for id_, project in projects.items()
        if names
    }


async def _compared(
    page: PageContext, exact: CompareQuery, of_projects: Mapping[str, str]
) -> Mapping[str, Any]:
    period = exact.period(today=_today(page, exact.tz))
    if not exact.ids:
        return {"period": period, "presets": []}
    if exact.is_since_start:
        found = await since_their_start(page, exact, today=_today(page, exact.tz))
        return {
            "answer": found.answer,
            "table": None
            if exact.as_of
            else await compared_campaigns(page, exact.chosen, found.days),
            "chart": found.chart,
            "happened": None,
            "projects": {},
            "now": datetime.now(UTC).isoformat(),
            "presets": [],
            "period": period,
        }
    analytics = _analytics(page, exact)
    counted: list[CountedMeasure] = [(exact.measure, exact.counting)]
    if not exact.marks and exact.entity != "video":
        counted.append((POSTS, "new"))
    await analytics.load(counted, period)
    answer = await analytics.numbers(exact.measure, exact.counting, period)
    projects: Mapping[str, str] = of_projects if exact.entity == "creator" else {}
    named = with_project_names(answer, projects)
    names = _names(named, exact)
    return {
        "answer": answer,
        "table": await compared_campaigns(page, exact.chosen, [period] * len(names))
        if exact.entity == "campaign" and not exact.as_of
        else None,
        "chart": chart_of(
            "compared",
            exact.measure,
            named,
            marks=await _marks(analytics, exact, named, names),
        ),
        "happened": happened_of(
            page,
            answer,
            *(note_subject(exact.entity, each, name) for each, name in names.items()),
            is_alone=len(names) == 1,
        ),
        "projects": projects,
        "now": datetime.now(UTC).isoformat(),
        "presets": await _presets(page, analytics, exact),
        "period": period,
    }


def _names(answer: Analytics, exact: CompareQuery) -> dict[str, str]:
    at = "@" if exact.entity == "creator" else ""
    refs = [one.entity_ref for one in answer.series]
    return {ref.id: f"{at}{ref.label or 'Without a title'}" for ref in refs}


async def _marks(
    analytics: AnalyticsClient,
    exact: CompareQuery,
    answer: Analytics,
    names: Mapping[str, str],
) -> list[ChartMark]:
    """Return the annotations of each entity by name, and the posts."""
    if exact.marks:
        return []
    marks = marks_of(answer, names=names if len(names) > 1 else None)
    if exact.entity == "video":
        return marks
    period = exact.period(today=answer.to)
    posts = await analytics.numbers(POSTS, "new", period)
    series = [
        replace(one, entity_ref=replace(one.entity_ref, label=names[one.entity_ref.id]))
        for one in posts.series
    ]
    return posts_of(replace(posts, series=series)) + marks


async def _presets(
    page: PageContext, analytics: AnalyticsClient, exact: CompareQuery
) -> list[tuple[str, str, bool]]:
    """Return the label and the address of each preset, and whether it is chosen."""
    today = _today(page, exact.tz)
    began = await analytics.began(today) or today
    found: list[tuple[str, str, bool]] = []
    for preset, label in PRESETS.items():
        first, last = days_of_preset(preset, today=today, began=began)
        period = Period(first=first, last=last, granularity=fitting(first, last))
        days = {"from": first.isoformat(), "to": last.isoformat()}
        is_shown = (exact.from_, exact.to) == (days["from"], days["to"])
        found.append((label, exact.address(**period.query), is_shown))
    return found


async def _suggestions(
    page: PageContext, exact: CompareQuery, search: str, names: Mapping[UUID, str]
) -> list[Suggestion]:
    chosen = exact.chosen
    if len(chosen) == MOST_ENTITIES or exact.entity == "video":
        return []
    if exact.entity == "project":
        projects = await page.get("/projects", list[Project], limit=100)
        found = [
            Suggestion(id=str(one.id), label=one.name)
            for one in projects.data
            if search.casefold() in one.name.casefold()
        ]
    elif exact.entity == "campaign":
        campaigns = await page.get(
            "/campaigns",
            list[Campaign],
            search=search.strip() or None,
            limit=_SUGGESTED + MOST_ENTITIES,
        )
        found = [
            Suggestion(
                id=str(one.id), label=one.name, project=names.get(one.project_id)
            )
            for one in campaigns.data
        ]
    else:
        creators = await page.get(
            "/creators",
            list[Creator],
            search=search.strip().removeprefix("@") or None,
            status="all",
            sort="follower_count",
            limit=_SUGGESTED + MOST_ENTITIES,
        )
        found = [
            Suggestion(
                id=str(one.id),
                label=f"@{one.tiktok_handle}",
                project=names.get(one.project_id),
                followers=one.follower_count,
                is_rounded="follower_count" in one.rounded_counts,
            )
            for one in creators.data
        ]
    left = [one for one in found if one.id not in chosen][:_SUGGESTED]
    return await _with_levels(page, left) if exact.entity == "creator" else left


async def _with_levels(
    page: PageContext, suggestions: list[Suggestion]
) -> list[Suggestion]:
    """Show the levels of the chart in place of the last observed ones."""
    if not suggestions:
        return []
    ids = ",".join(one.id for one in suggestions)
    got = await page.get("/creators/figures", RecentFigures, creator_ids=ids)
    of = {str(one.creator_id): one.followers for one in got.data.creators}
    return [
        one
        if (trend := of.get(one.id)) is None or trend.level is None
        else replace(one, followers=trend.level, is_rounded=trend.level_rounded)
        for one in suggestions
    ]


def _analytics(page: PageContext, query: CompareQuery) -> AnalyticsClient:
    return AnalyticsClient(
        page,
        *query.chosen,
        entity=query.entity or "creator",
        time_zone=query.tz or None,
        as_of=query.as_of or None,
    )


def _today(page: PageContext, time_zone: str) -> date:
    zone = zone_named(time_zone) if time_zone else ZoneInfo(page.time_zone)
    return datetime.now(zone).date()


def table_of(answer: Analytics) -> str:
    """Return the table, with empty cells for unknown values."""
    labels = (one.entity_ref.label or one.entity_ref.id for one in answer.series)
    columns = zip(*(one.points for one in answer.series), strict=True)
    return csv_text(
        [answer.granularity, *map(text_cell, labels)],
        ([points[0].date, *(point.value for point in points)] for points in columns),
    )
