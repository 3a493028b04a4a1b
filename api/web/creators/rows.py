"""The rows of the list of creators: figures over the days, and the last 30 drawn."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from uuid import UUID

from msgspec import UNSET, Raw, Struct
from msgspec.json import decode

from api.routes.creators.figures import CreatorFigures, Trend
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
    courses: Mapping[str, Sparkline | None]


class _RecentFigures(Struct, frozen=True):
    """The API's answer, with the figures of each creator as JSON."""

    creators: list[Raw]
    unknown_ids: frozenset[UUID]


async def rows_of(
    page: PageContext,
    creators: Sequence[CreatorWithFigures],
    project_names: Mapping[UUID, str],
) -> list[ListedCreator]:
    courses: dict[UUID, Mapping[str, Sparkline | None]] = {}
    if creators:
        ids = ",".join(str(creator.id) for creator in creators)
        got = await page.get("/creators/figures", _RecentFigures, creator_ids=ids)
        known = (one.id for one in creators if one.id not in got.data.unknown_ids)
        courses = {
            id_: _courses(bytes(figures))
            for id_, figures in zip(known, got.data.creators, strict=True)
        }
    return [
        ListedCreator(
            creator=creator,
            figures=creator.figures,
            project=project_names.get(creator.project_id),
            courses=courses.get(creator.id, {}),
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


# Most figures are those that were drawn the last time.
@lru_cache(maxsize=2_000)
def _courses(figures: bytes) -> Mapping[str, Sparkline | None]:
    of = decode(figures, type=CreatorFigures)
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
