"""The rows of the list of creators: figures over the days, and the last 30 drawn."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from msgspec import UNSET, Struct

from api.routes.creators.figures import CreatorFigures, RecentFigures, Trend
from api.routes.lists.creators import CreatorWithFigures, ListedFigures, ListTotals
from api.web.charts.svg import Sparkline, sparkline
from api.web.kit.api_client import QueryValue
from api.web.kit.page import PageContext


class CreatorsMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The API's answer about the whole list."""

    total_count: int
    first_day: date
    last_day: date
    totals: ListTotals


class ListedCreator(Struct, frozen=True, kw_only=True):
    """A creator of the list; ``courses`` are drawn over the last 30 days."""

    creator: CreatorWithFigures
    figures: ListedFigures
    project: str | None
    courses: dict[str, Sparkline | None]


async def rows_of(
    page: PageContext,
    creators: Sequence[CreatorWithFigures],
    project_names: Mapping[UUID, str],
) -> list[ListedCreator]:
    courses: dict[UUID, CreatorFigures] = {}
    if creators:
        ids = ",".join(str(creator.id) for creator in creators)
        got = await page.get("/creators/figures", RecentFigures, creator_ids=ids)
        courses = {one.creator_id: one for one in got.data.creators}
    return [
        ListedCreator(
            creator=creator,
            figures=creator.figures,
            project=project_names.get(creator.project_id),
            courses=_courses(courses.get(creator.id)),
        )
        for creator in creators
        if creator.figures is not UNSET
    ]


async def rows_by_id(
    page: PageContext, ids: str, of: dict[str, str], project_names: Mapping[UUID, str]
) -> list[ListedCreator]:
    """Return the rows of creators whose ids have commas between."""
    if not ids:
        return []
    query: dict[str, QueryValue] = {**of, "creator_ids": ids, "status": "all"}
    got = await page.get("/creators", list[CreatorWithFigures], limit=100, **query)
    return await rows_of(page, got.data, project_names)


def _courses(of: CreatorFigures | None) -> dict[str, Sparkline | None]:
    if of is None:
        return {}
    # Today is not over, and would always look like a decline.
    flow = sparkline(of.views.new_by_day[:-1], from_zero=True)
    return {"followers": _course(of.followers), "views": flow}


def _course(trend: Trend) -> Sparkline | None:
    return None if trend.level is None else sparkline(_grown_to_level(trend))


def _grown_to_level(trend: Trend) -> list[int | None]:
    """Return the levels as if they had always been as exact as the last one.

    The line then moves only by new numbers.
    """
    level = trend.level
    found: list[int | None] = []
    for was, new in zip(
        reversed(trend.levels), reversed(trend.new_by_day), strict=True
    ):
        found.append(None if was is None else level)
        level = None if level is None else level - (new or 0)
    return found[::-1]
