"""/creators/{id}: a creator's figures and charts, and the explanation of a number."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.web.activity.days import newest_activity
from api.web.annotations.on_charts import happened_of, note_subject
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.measures import GROUPS, MEASURES
from api.web.charts.periods import GRANULARITIES, PRESETS
from api.web.creator.explained_number import explain_number
from api.web.creator.layout import get_creator, show_creator
from api.web.creator.overview_figures import overview_of
from api.web.creator.overview_query import TOPS, OverviewQuery
from api.web.creator.scrapes import SCRAPE_LABELS, latest_scrape
from api.web.creator.top_videos import top_videos
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from projections.creators.creator import Creator
from projections.videos.counting import VideoAmounts


class OverviewPage(Controller):
    """The first tab of a creator."""

    path = "/creators/{creator_id:uuid}"

    @page_route(query=OverviewQuery)
    async def overview(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        choices: NamedDependency[OverviewQuery],
    ) -> Template:
        """Show figures and charts of a period, or the videos that gained most."""
        async with page.one_moment():
            creator = await get_creator(page, creator_id)
            context: dict[str, Any] = {
                "query": choices,
                **SCRAPE_LABELS,
                "scrape": await latest_scrape(page, creator.id),
                "presets": PRESETS,
                "granularities": GRANULARITIES,
                "groups": GROUPS,
                "tops": [(name, MEASURES[name].label) for name in TOPS],
                "overview": None,
                "explained": None,
                "top": None,
                "letterhead": await page.letterhead(creator.project_id),
            }
            wrong: ApiError | None = None
            try:
                context |= await _numbers(page, creator, choices)
            except ApiError as error:
                # The form stays, with the user's choices and the error.
                if error.code not in {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}:
                    raise
                wrong = error
            template = "overview" if context["top"] is None else "top_videos"
            return show_creator(
                page, f"creator/{template}.html", creator, context, error=wrong
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
        # This part takes longer than the rest, so the page requests it separately.
        return {"top": await top_videos(page, analytics, query.top_measure, period)}
    overview, amounts, activity = await asyncio.gather(
        overview_of(analytics, query, period),
        page.get("/videos/amounts", VideoAmounts, creator_id=str(creator.id)),
        newest_activity(page, creator_id=str(creator.id)),
    )
    if not overview.is_known:
        began = began or await analytics.began(today)
    return {
        "overview": overview,
        "amounts": amounts.data,
        "activity": activity,
        "activity_url": f"/activity?creator_id={creator.id}",
        "happened": happened_of(
            page,
            overview.answer,
            note_subject("creator", creator.id, f"@{creator.tiktok_handle}"),
            project_id=creator.project_id,
        ),
        "period": period,
        "began": began,
        "explained": await explain_number(
            analytics,
            *query.chart(query.explain or "views"),
            period,
            chart=query.explain,
            on=query.on,
        ),
    }
