"""/creators/{id} as a page: how a creator is doing, and why a number is what it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.explain import explain_number
from api.web.charts.measures import GROUPS, MEASURES
from api.web.charts.periods import GRANULARITIES, PRESETS
from api.web.creator.layout import get_creator, show_creator
from api.web.creator.overview_figures import overview_of
from api.web.creator.overview_query import (
    TOPS,
    ChartNameOrNone,
    CompareOrNone,
    CountingModeOrNone,
    GranularityOrNone,
    ModeOrNone,
    OverviewQuery,
    PresetOrNone,
    ShowOrNone,
)
from api.web.creator.scrapes import SCRAPE_WORDS, latest_scrape
from api.web.creator.top_videos import top_videos
from api.web.kit.page import PageContext
from projections.creators.queries import Creator

From = Annotated[str, QueryParameter(name="from")]


class OverviewPage(Controller):
    """The first tab of a creator."""

    path = "/creators/{creator_id:uuid}"

    @get("/", opt={"scope": "read", "page": True})
    async def overview(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        range_: Annotated[PresetOrNone, QueryParameter(name="range")] = "",
        from_: From = "",
        to: FromQuery[str] = "",
        granularity: FromQuery[GranularityOrNone] = "",
        compare: FromQuery[CompareOrNone] = "",
        followers: FromQuery[CountingModeOrNone] = "",
        views: FromQuery[CountingModeOrNone] = "",
        metric: FromQuery[str] = "",
        mode: FromQuery[ModeOrNone] = "",
        top: FromQuery[str] = "",
        explain: FromQuery[ChartNameOrNone] = "",
        on: FromQuery[str] = "",
        show: FromQuery[ShowOrNone] = "",
    ) -> Template:
        """Show figures and charts of some days, or the videos that gained most."""
        query = OverviewQuery(
            range=range_,
            from_=from_,
            to=to,
            granularity=granularity,
            compare=compare,
            followers=followers,
            views=views,
            metric=metric,
            mode=mode,
            top=top,
            explain=explain,
            on=on,
            show=show,
        )
        creator = await get_creator(page, creator_id)
        return await show_overview(page, creator, query)


async def show_overview(
    page: PageContext,
    creator: Creator,
    query: OverviewQuery,
    *,
    refused: ApiError | None = None,
) -> Template:
    """Return the page; what was refused is said on it, and is its status."""
    context: dict[str, Any] = {
        "query": query,
        **SCRAPE_WORDS,
        "scrape": await latest_scrape(page, creator.id),
        "presets": PRESETS,
        "granularities": GRANULARITIES,
        "groups": GROUPS,
        "tops": [(name, MEASURES[name].label) for name in TOPS],
        "refused": refused,
        "problem": None,
        "problems": {},
        "overview": None,
        "explained": None,
        "top": None,
    }
    try:
        context |= await _numbers(page, creator, query)
    except ApiError as error:
        # The form stays, with what they chose, and says what is wrong with it.
        if error.code not in {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}:
            raise
        context |= {"problem": error, "problems": error.problems}
    wrong: ApiError | None = refused or context["problem"]
    status = 200 if wrong is None else wrong.status
    template = "overview" if context["top"] is None else "top_videos"
    return show_creator(
        page, f"creator/{template}.html", creator, context, status=status
    )


async def _numbers(
    page: PageContext, creator: Creator, query: OverviewQuery
) -> Mapping[str, Any]:
    analytics = AnalyticsClient(page, str(creator.id))
    today = datetime.now(ZoneInfo(page.time_zone)).date()
    began = None
    if query.preset == "all" or (query.preset is None and not query.from_):
        began = await analytics.began(today)
    period = query.period(today=today, began=began or today)
    if query.show == "top":
        # It takes longer than all the rest, so it is asked for by itself.
        return {"top": await top_videos(analytics, query.top_measure, period)}
    overview = await overview_of(analytics, query, period)
    if not overview.is_known:
        began = began or await analytics.began(today)
    return {
        "overview": overview,
        "span": period,
        "began": began,
        "explained": await explain_number(analytics, query, period),
    }
