"""/creators: the list of creators with their figures, and forms that change many."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.routes.creator_figures import CreatorFigures, RecentFigures, Trend
from api.web.charts.svg import Sparkline, sparkline
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, here
from api.web.kit.page_query import PageQuery
from api.web.kit.project_choices import all_projects
from api.web.kit.scrape_labels import SHORT_OUTCOMES
from projections.creators.creator import Creator
from projections.projects import Project

PATH = "/creators"

# A scrape later than this many of its intervals is overdue.
_INTERVALS = 2
# Within this time after a creator was added its first scrape is waited for.
_SOON = timedelta(minutes=2)
_STATUSES = (
    ("", "Tracked"),
    ("active", "Active"),
    ("failing", "Failing"),
    ("disabled", "Disabled"),
    ("removed", "Removed"),
    ("all", "All"),
)
_SORTS = (
    ("", "Newest first"),
    ("tiktok_handle", "Handle, A to Z"),
    ("follower_count", "Most followers"),
)


class CountWithTrend(Struct, frozen=True, kw_only=True):
    """A number and its trend over the last days, each with its marks."""

    level: int | None
    new: int | None
    sparkline: Sparkline | None
    is_level_rounded: bool = False
    is_new_rounded: bool = False
    is_sharpened: bool = False


class ListedCreator(Struct, frozen=True, kw_only=True):
    """One creator of the list; ``is_late`` if its next scrape is overdue.

    ``is_new``: it was added just now, and its first scrape has not ended.
    """

    creator: Creator
    project: str | None
    followers: CountWithTrend
    views: CountWithTrend
    is_late: bool
    is_new: bool


class CreatorsPageQuery(PageQuery, frozen=True, kw_only=True):
    """The creators to list; an empty field does not filter."""

    search: str = ""
    status: str = ""
    project_id: str = ""
    sort: str = ""
    cursor: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.status or self.project_id)

    @property
    def api_query(self) -> dict[str, str]:
        """Return the query of the API; those that fail are no status of their own."""
        if self.status != "failing":
            return self.pairs()
        return {**self.pairs(status=""), "failing": "true"}


class CreatorsPage(Controller):
    """The list of creators."""

    path = PATH

    @page_route(query=CreatorsPageQuery)
    async def creators(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CreatorsPageQuery],
    ) -> Template:
        """Show one page of the creators that were chosen."""
        got = await page.get("/creators", list[Creator], **choices.api_query)
        projects = await all_projects(page)
        chosen = choices.pairs(cursor="")
        rows = await _rows(page, got.data, choices, projects)
        more = got.next_url(PATH, **chosen)
        return page.show(
            "creators/list.html",
            {
                "rows": rows,
                # What is loaded anew is the first page alone.
                "waits": not more and any(row.is_new for row in rows),
                "outcomes": SHORT_OUTCOMES,
                "query": choices,
                "statuses": _STATUSES,
                "sorts": _SORTS,
                "projects": projects,
                "is_first": not choices.cursor,
                "first": f"{PATH}?{urlencode(chosen)}" if chosen else PATH,
                "more": more,
                "here": here(page.request),
                "may_write": page.may("write"),
            },
        )


async def _rows(
    page: PageContext,
    creators: list[Creator],
    query: CreatorsPageQuery,
    projects: list[Project],
) -> list[ListedCreator]:
    figures: dict[str, CreatorFigures] = {}
    if creators:
        ids = ",".join(str(creator.id) for creator in creators)
        got = await page.get("/creators/figures", RecentFigures, creator_ids=ids)
        figures = {str(one.creator_id): one for one in got.data.creators}
    # The project is not shown where there is only one.
    has_many = len(projects) > 1 and not query.project_id
    names = {one.id: one.name for one in projects} if has_many else {}
    now = datetime.now(UTC)
    rows: list[ListedCreator] = []
    for creator in creators:
        of = figures.get(str(creator.id))
        rows.append(
            ListedCreator(
                creator=creator,
                project=names.get(creator.project_id),
                followers=_level(creator, of and of.followers),
                views=_flow(of and of.views),
                is_late=_is_late(creator, page, now),
                is_new=creator.last_scraped_at is None
                and creator.last_outcome is None
                and not creator.failed_scrapes
                and now - creator.created_at < _SOON,
            )
        )
    return rows


def _level(creator: Creator, trend: Trend | None) -> CountWithTrend:
    """Return a count whose level is drawn, or else what is known without its days."""
    if trend is None or trend.level is None:
        return CountWithTrend(
            level=creator.follower_count,
            new=None,
            sparkline=None,
            is_level_rounded="follower_count" in creator.rounded_counts,
        )
    return CountWithTrend(
        level=trend.level,
        new=trend.new,
        sparkline=sparkline(_grown_to_level(trend)),
        is_level_rounded=trend.level_rounded,
        is_new_rounded=trend.new_rounded,
        is_sharpened=trend.new_sharpened,
    )


def _grown_to_level(trend: Trend) -> list[int | None]:
    """Return the levels as if they had always been as exact as the last one is.

    So the line goes up and down by what is new alone.
    """
    level = trend.level
    found: list[int | None] = []
    for was, new in zip(
        reversed(trend.levels), reversed(trend.new_by_day), strict=True
    ):
        found.append(None if was is None else level)
        level = None if level is None else level - (new or 0)
    return found[::-1]


def _flow(trend: Trend | None) -> CountWithTrend:
    """Return a count that only grows, whose daily increase is drawn."""
    if trend is None:
        return CountWithTrend(level=None, new=None, sparkline=None)
    # Today is not over, and would always look like a decline.
    days_over = trend.new_by_day[:-1]
    return CountWithTrend(
        level=trend.level, new=trend.new, sparkline=sparkline(days_over, from_zero=True)
    )


def _is_late(creator: Creator, page: PageContext, now: datetime) -> bool:
    hours = page.organization.scrape_hours
    if hours is None or creator.status != "active":
        return False
    today = now.astimezone(ZoneInfo(page.time_zone)).date()
    first, last = creator.tracking_start_date, creator.tracking_end_date
    # Nothing is scheduled outside of the tracking window.
    if (first is not None and today < first) or (last is not None and last < today):
        return False
    last_scrape = creator.last_scraped_at or creator.created_at
    return now - last_scrape > _INTERVALS * timedelta(hours=hours)
