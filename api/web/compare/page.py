"""/compare: up to five creators, projects or videos on one chart, and as a file."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.analytics.parameters import MOST_ENTITIES, zone_named
from api.web.charts.analytics_client import Figures
from api.web.charts.chart import chart_of
from api.web.charts.measures import groups_for
from api.web.charts.periods import GRANULARITIES, PRESETS, Span, first_of, fitting
from api.web.compare.projects import project_names, projects_of, told_apart
from api.web.compare.query import Comparison
from api.web.creator.overview_query import GranularityOrNone, ModeOrNone
from api.web.kit.page import Visit
from domain.analytics.metrics import Mode
from projections.creators.queries import Creator
from projections.projects import Project

From = Annotated[str, QueryParameter(name="from")]
EntityOrNone = Literal["creator", "project", "video", ""]

ENTITIES = {"creator": "Creators", "project": "Projects", "video": "Videos"}
MODES: dict[Mode, str] = {"new": "new", "cumulative": "cumulative", "rate": "as a rate"}
_SUGGESTED = 8


class Suggestion(Struct, frozen=True, kw_only=True):
    """Something that could be compared, too."""

    id: str
    label: str
    about: int | None
    project: str | None = None


class ComparePage(Controller):
    """Several things on one chart."""

    @get("/compare", opt={"scope": "read", "page": True})
    async def compare(
        self,
        visit: NamedDependency[Visit],
        entity: FromQuery[EntityOrNone] = "",
        ids: FromQuery[str] = "",
        metric: FromQuery[str] = "",
        mode: FromQuery[ModeOrNone] = "",
        granularity: FromQuery[GranularityOrNone] = "",
        from_: From = "",
        to: FromQuery[str] = "",
        tz: FromQuery[str] = "",
        as_of: FromQuery[str] = "",
        search: FromQuery[str] = "",
    ) -> Template | Response[Any]:
        """Show them; an address that leaves something open is made exact first."""
        asked = Comparison(
            entity=entity or "creator",
            ids=ids,
            metric=metric,
            mode=mode,
            granularity=granularity,
            from_=from_,
            to=to,
            tz=tz,
            as_of=as_of,
        )
        context: dict[str, Any] = {
            "asked": asked,
            "chart": None,
            "entities": ENTITIES,
            "granularities": GRANULARITIES,
            "groups": groups_for(asked.entity),
            "modes": MODES,
            "most": MOST_ENTITIES,
            "problem": None,
            "problems": {},
            "search": search,
            "suggestions": [],
        }
        try:
            exact = asked.exactly(today=_today(visit, tz), time_zone=visit.time_zone)
            if exact != asked and exact.ids and not search:
                if asked.mode and asked.mode != exact.mode:
                    visit.tell(_without(exact, asked.mode))
                return visit.go_to(f"/compare{exact.address()}")
            context |= {"asked": exact}
            is_of_creators = exact.entity == "creator"
            names = await project_names(visit) if is_of_creators else {}
            context |= await _compared(visit, exact, names)
            context["suggestions"] = await _suggestions(visit, exact, search, names)
        except ApiError as error:
            if error.code not in {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}:
                raise
            context |= {"problem": error, "problems": error.problems}
            status = error.status
        else:
            status = 200
        return visit.show("compare/compare.html", context, status=status)

    @get("/compare.csv", opt={"scope": "read", "page": True})
    async def compare_file(
        self,
        visit: NamedDependency[Visit],
        ids: FromQuery[str],
        entity: FromQuery[EntityOrNone] = "",
        metric: FromQuery[str] = "",
        mode: FromQuery[ModeOrNone] = "",
        granularity: FromQuery[GranularityOrNone] = "",
        from_: From = "",
        to: FromQuery[str] = "",
        tz: FromQuery[str] = "",
        as_of: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Save the same numbers as the file that the API makes of them."""
        asked = Comparison(
            entity=entity or "creator",
            ids=ids,
            metric=metric,
            mode=mode,
            granularity=granularity,
            from_=from_,
            to=to,
            tz=tz,
            as_of=as_of,
        )
        span = asked.span(today=_today(visit, tz))
        figures = _figures(visit, asked)
        raw = await figures.csv(asked.measure, asked.counting, span)
        disposition = raw.headers["content-disposition"]
        return Response(
            raw.body,
            media_type="text/csv",
            headers={"Content-Disposition": disposition},
        )


def _without(exact: Comparison, mode: Mode) -> str:
    """Return in words that a metric does not have the mode that was asked for."""
    label, shown = exact.measure.label, MODES[exact.counting]
    return f"“{label}” cannot be counted “{MODES[mode]}”: it is shown “{shown}”."


async def _compared(
    visit: Visit, exact: Comparison, names: Mapping[UUID, str]
) -> Mapping[str, Any]:
    span = exact.span(today=_today(visit, exact.tz))
    if not exact.ids:
        return {"span": span, "presets": []}
    figures = _figures(visit, exact)
    answer = await figures.ask(exact.measure, exact.counting, span)
    projects = await projects_of(visit, exact.chosen, names)
    return {
        "answer": answer,
        "chart": chart_of("compared", exact.measure, told_apart(answer, projects)),
        "projects": projects,
        "now": datetime.now(UTC).isoformat(),
        "presets": await _presets(visit, figures, exact),
        "span": span,
    }


async def _presets(
    visit: Visit, figures: Figures, exact: Comparison
) -> list[tuple[str, str, bool]]:
    """Return the name and the address of each preset, and whether it is shown."""
    today = _today(visit, exact.tz)
    began = await figures.began(today) or today
    found: list[tuple[str, str, bool]] = []
    for preset, label in PRESETS.items():
        first = first_of(preset, today=today, began=began)
        span = Span(first=first, last=today, granularity=fitting(first, today))
        days = {"from": first.isoformat(), "to": today.isoformat()}
        is_shown = (exact.from_, exact.to) == (days["from"], days["to"])
        found.append((label, exact.address(**span.query), is_shown))
    return found


async def _suggestions(
    visit: Visit, exact: Comparison, search: str, names: Mapping[UUID, str]
) -> list[Suggestion]:
    chosen = exact.chosen
    if len(chosen) == MOST_ENTITIES or exact.entity == "video":
        return []
    if exact.entity == "project":
        projects = await visit.get("/projects", list[Project], limit=100)
        found = [
            Suggestion(id=str(one.id), label=one.name, about=None)
            for one in projects.data
            if search.casefold() in one.name.casefold()
        ]
    else:
        creators = await visit.get(
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
                about=one.follower_count,
                project=names.get(one.project_id),
            )
            for one in creators.data
        ]
    return [one for one in found if one.id not in chosen][:_SUGGESTED]


def _figures(visit: Visit, asked: Comparison) -> Figures:
    return Figures(
        visit,
        *asked.chosen,
        entity=asked.entity,
        time_zone=asked.tz or None,
        as_of=asked.as_of or None,
    )


def _today(visit: Visit, time_zone: str) -> date:
    zone = zone_named(time_zone) if time_zone else ZoneInfo(visit.time_zone)
    return datetime.now(zone).date()
