"""/creators as a page: who is tracked, how they are doing, and what to do about it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct

from api.routes.creator_figures import CreatorFigures, RecentFigures, Trend
from api.web.charts.svg import Sparkline, sparkline
from api.web.kit.api_client import ApiResponse
from api.web.kit.page import PageContext, here
from api.web.kit.project_choices import all_projects
from projections.creators.queries import Creator
from projections.projects import Project

PATH = "/creators"

# Late by more than its interval: nobody schedules.
_INTERVALS = 2
_STATUSES = (
    ("", "Tracked"),
    ("active", "Active"),
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
    """A number with what it did in the last days."""

    level: int | None
    new: int | None
    sparkline: Sparkline | None


class CreatorRow(Struct, frozen=True, kw_only=True):
    """One creator of the list.

    ``is_late`` if it should have been scraped long ago.
    """

    creator: Creator
    project: str | None
    followers: CountWithTrend
    views: CountWithTrend
    is_late: bool


class CreatorsPageQuery(Struct, frozen=True, kw_only=True):
    """Which creators somebody wants to see; what is empty is not asked for."""

    search: str = ""
    status: str = ""
    project_id: str = ""
    sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.status or self.project_id)

    def address(self, cursor: str | None = None) -> str:
        """Return where they are shown, or where those after the cursor are."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        given = {name: value for name, value in values.items() if value}
        if cursor is not None:
            given["cursor"] = cursor
        return f"{PATH}?{urlencode(given)}" if given else PATH

    async def fetch(
        self, page: PageContext, cursor: str | None
    ) -> ApiResponse[list[Creator]]:
        """Return one page of them."""
        return await page.get(
            "/creators",
            list[Creator],
            search=self.search or None,
            status=self.status or None,
            project_id=self.project_id or None,
            sort=self.sort or None,
            cursor=cursor or None,
        )


class CreatorsPage(Controller):
    """The list of creators."""

    path = PATH

    @get("/", opt={"scope": "read", "page": True})
    async def creators(
        self,
        page: NamedDependency[PageContext],
        search: FromQuery[str] = "",
        status: FromQuery[str] = "",
        project_id: FromQuery[str] = "",
        sort: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Template:
        """Show who is tracked."""
        query = CreatorsPageQuery(
            search=search, status=status, project_id=project_id, sort=sort
        )
        got = await query.fetch(page, cursor)
        projects = await all_projects(page)
        following = got.meta["nextCursor"]
        return page.show(
            "creators/list.html",
            {
                "rows": await _rows(page, got.data, query, projects),
                "query": query,
                "statuses": _STATUSES,
                "sorts": _SORTS,
                "projects": projects,
                "is_first": not cursor,
                "first": query.address(),
                "more": None if following is None else query.address(following),
                "here": here(page.request),
                "may_write": page.may("write"),
            },
        )


async def _rows(
    page: PageContext,
    creators: list[Creator],
    query: CreatorsPageQuery,
    projects: list[Project],
) -> list[CreatorRow]:
    figures: dict[str, CreatorFigures] = {}
    if creators:
        ids = ",".join(str(creator.id) for creator in creators)
        got = await page.get("/creators/figures", RecentFigures, creator_ids=ids)
        figures = {str(one.creator_id): one for one in got.data.creators}
    # Whose project it is goes without saying where only one is shown.
    has_many = len(projects) > 1 and not query.project_id
    names = {one.id: one.name for one in projects} if has_many else {}
    now = datetime.now(UTC)
    rows: list[CreatorRow] = []
    for creator in creators:
        of = figures.get(str(creator.id))
        rows.append(
            CreatorRow(
                creator=creator,
                project=names.get(creator.project_id),
                followers=_level(creator.follower_count, of and of.followers),
                views=_flow(of and of.views),
                is_late=_is_late(creator, page, now),
            )
        )
    return rows


def _level(count: int | None, trend: Trend | None) -> CountWithTrend:
    """Return a number whose level is drawn."""
    if trend is None:
        return CountWithTrend(level=count, new=None, sparkline=None)
    return CountWithTrend(level=count, new=trend.new, sparkline=sparkline(trend.levels))


def _flow(trend: Trend | None) -> CountWithTrend:
    """Return a number that only grows: what is new each day is drawn."""
    if trend is None:
        return CountWithTrend(level=None, new=None, sparkline=None)
    # Today is not over, and would always look like a fall.
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
    # Outside of its window nothing is scheduled.
    if (first is not None and today < first) or (last is not None and last < today):
        return False
    last_scrape = creator.last_scraped_at or creator.created_at
    return now - last_scrape > _INTERVALS * timedelta(hours=hours)
