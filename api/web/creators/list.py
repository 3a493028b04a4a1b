"""/creators as a page: who is tracked, how they are doing, and what to do about it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct

from api.routes.creator_figures import Course, CreatorFigures, Figures
from api.web.charts.svg import Spark, spark
from api.web.kit.api_client import Got
from api.web.kit.page import Visit, here
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


class Shown(Struct, frozen=True, kw_only=True):
    """A number with what it did in the last days."""

    level: int | None
    new: int | None
    spark: Spark | None


class Row(Struct, frozen=True, kw_only=True):
    """One creator of the list.

    ``is_late`` if it should have been scraped long ago.
    """

    creator: Creator
    project: str | None
    followers: Shown
    views: Shown
    is_late: bool


class Wanted(Struct, frozen=True, kw_only=True):
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
        asked = {name: getattr(self, name) for name in self.__struct_fields__}
        given = {name: value for name, value in asked.items() if value}
        if cursor is not None:
            given["cursor"] = cursor
        return f"{PATH}?{urlencode(given)}" if given else PATH

    async def ask(self, visit: Visit, cursor: str | None) -> Got[list[Creator]]:
        """Return one page of them."""
        return await visit.get(
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
        visit: NamedDependency[Visit],
        search: FromQuery[str] = "",
        status: FromQuery[str] = "",
        project_id: FromQuery[str] = "",
        sort: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Template:
        """Show who is tracked."""
        wanted = Wanted(search=search, status=status, project_id=project_id, sort=sort)
        got = await wanted.ask(visit, cursor)
        projects = await all_projects(visit)
        following = got.meta["nextCursor"]
        return visit.show(
            "creators/list.html",
            {
                "rows": await _rows(visit, got.data, wanted, projects),
                "wanted": wanted,
                "statuses": _STATUSES,
                "sorts": _SORTS,
                "projects": projects,
                "is_first": not cursor,
                "first": wanted.address(),
                "more": None if following is None else wanted.address(following),
                "here": here(visit.request),
                "may_write": visit.may("write"),
            },
        )


async def _rows(
    visit: Visit, creators: list[Creator], wanted: Wanted, projects: list[Project]
) -> list[Row]:
    figures: dict[str, CreatorFigures] = {}
    if creators:
        ids = ",".join(str(creator.id) for creator in creators)
        got = await visit.get("/creators/figures", Figures, creator_ids=ids)
        figures = {str(one.creator_id): one for one in got.data.creators}
    # Whose project it is goes without saying where only one is shown.
    has_many = len(projects) > 1 and not wanted.project_id
    names = {one.id: one.name for one in projects} if has_many else {}
    now = datetime.now(UTC)
    rows: list[Row] = []
    for creator in creators:
        of = figures.get(str(creator.id))
        rows.append(
            Row(
                creator=creator,
                project=names.get(creator.project_id),
                followers=_level(creator.follower_count, of and of.followers),
                views=_flow(of and of.views),
                is_late=_is_late(creator, visit, now),
            )
        )
    return rows


def _level(count: int | None, course: Course | None) -> Shown:
    """Return a number whose level is drawn."""
    if course is None:
        return Shown(level=count, new=None, spark=None)
    return Shown(level=count, new=course.new, spark=spark(course.levels))


def _flow(course: Course | None) -> Shown:
    """Return a number that only grows: what is new each day is drawn."""
    if course is None:
        return Shown(level=None, new=None, spark=None)
    # Today is not over, and would always look like a fall.
    days_over = course.new_by_day[:-1]
    return Shown(
        level=course.level, new=course.new, spark=spark(days_over, from_zero=True)
    )


def _is_late(creator: Creator, visit: Visit, now: datetime) -> bool:
    hours = visit.house.scrape_hours
    if hours is None or creator.status != "active":
        return False
    today = now.astimezone(ZoneInfo(visit.time_zone)).date()
    first, last = creator.tracking_start_date, creator.tracking_end_date
    # Outside of its window nothing is scheduled.
    if (first is not None and today < first) or (last is not None and last < today):
        return False
    seen = creator.last_scraped_at or creator.created_at
    return now - seen > _INTERVALS * timedelta(hours=hours)
