"""A dashboard: all data of a project or campaign that it shows, read at once."""

import asyncio
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import Analytics, Series
from api.web.activity.days import ActivityDay, newest_activity
from api.web.annotations.on_charts import Happened, happened_of, note_subject
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.compared_days import compared_in_words
from api.web.charts.marks import marks_of, posts_of
from api.web.charts.measures import POSTS, CountedMeasure
from api.web.creator.explained_number import ExplainedNumber, explain_number
from api.web.dashboard.attention import AttentionItem, needing_attention
from api.web.dashboard.cards import (
    COURSES,
    KpiCard,
    explained_cards,
    first_cards,
    more_cards,
)
from api.web.dashboard.periods import DashboardDays
from api.web.dashboard.posting_calendar import (
    PostingCalendar,
    calendar_days,
    calendar_of,
)
from api.web.dashboard.query import DashboardQuery
from api.web.dashboard.rankings import Rankings, rankings_of
from api.web.kit.api_client import ApiRefusedError, QueryValue
from api.web.kit.page import PageContext
from domain.written import days_in_words


class Programme(Struct, frozen=True, kw_only=True):
    """The subject of a dashboard: a project or a campaign of it."""

    kind: Literal["project", "campaign"]
    id: str
    project_id: str


class Dashboard(Struct, frozen=True, kw_only=True):
    """All data of a dashboard.

    ``is_too_much``: too many observations make the number to explain.
    """

    programme: Programme
    days: DashboardDays
    has_today: bool
    in_words: str
    compared_with: str
    cards: list[KpiCard]
    more_cards: list[KpiCard]
    observed_percent: int | None
    chart: Chart
    happened: Happened
    explained: ExplainedNumber | None
    is_too_much: bool
    rankings: Rankings
    calendar: PostingCalendar
    attention: list[AttentionItem]
    activity: list[ActivityDay]


async def dashboard_of(
    page: PageContext, programme: Programme, query: DashboardQuery
) -> Dashboard:
    """Return the dashboard; independent parts are read at the same time.

    Raises:
        ApiError: a choice is wrong, or the plan does not show these days.
    """
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    days = query.days(today=today, zone=zone)
    analytics = AnalyticsClient(page, programme.id, entity=programme.kind)
    scope: dict[str, QueryValue] = {
        f"{programme.kind}_id": programme.id,
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
    }
    calendar = calendar_days(
        today, keeps=page.principal.limits.stats_history_retention_days
    )
    kpis, numbers, explained, rankings, posts, lists = await asyncio.gather(
        _kpis(page, scope, days),
        _chart(analytics, query, days),
        _explained(analytics, query, days),
        rankings_of(page, scope, query.gained or "followers"),
        analytics.numbers(POSTS, "new", calendar),
        asyncio.gather(
            needing_attention(
                page,
                programme.project_id,
                campaign_id=programme.id if programme.kind == "campaign" else None,
            ),
            newest_activity(page, **{f"{programme.kind}_id": programme.id}),
        ),
    )
    chart, posted, courses = numbers
    attention, activity = lists
    share = kpis.new_views.known_share
    before = days.before(kpis.compare_until)
    return Dashboard(
        programme=programme,
        days=days,
        has_today=days.last == today,
        in_words=days_in_words(days.first, days.last),
        compared_with=compared_in_words(kpis),
        cards=explained_cards(first_cards(kpis, query, before, courses), query),
        more_cards=explained_cards(more_cards(kpis, query, before), query),
        observed_percent=None if share is None else int(100 * share),
        chart=chart_of(
            "main",
            query.measure,
            chart,
            marks=[] if query.marks else posts_of(posted) + marks_of(posted),
        ),
        happened=happened_of(
            page,
            posted,
            note_subject(programme.kind, programme.id, f"The {programme.kind}"),
            project_id=programme.project_id,
        ),
        explained=explained[0],
        is_too_much=explained[1],
        rankings=rankings,
        calendar=calendar_of(posts, today=today),
        attention=attention,
        activity=activity,
    )


async def _kpis(
    page: PageContext, scope: dict[str, QueryValue], days: DashboardDays
) -> Kpis:
    """Return the key figures, compared if the plan shows the days before."""
    try:
        got = await page.get(
            "/analytics/kpis",
            Kpis,
            **scope,
            compare="prior_period",
            granularity=days.unit,
        )
    except ApiRefusedError as error:
        if error.code is not Code.RETENTION_EXCEEDED:
            raise
        got = await page.get("/analytics/kpis", Kpis, **scope)
    return got.data


async def _explained(
    analytics: AnalyticsClient, query: DashboardQuery, days: DashboardDays
) -> tuple[ExplainedNumber | None, bool]:
    """Return the explanation, and whether it would have too many observations."""
    try:
        found = await explain_number(
            analytics,
            query.measure,
            query.chart_mode,
            days.period,
            chart=query.explain,
            on=query.on,
        )
    except ApiRefusedError as error:
        if "entity_id" not in error.problems:
            raise
        return None, True
    return found, False


async def _chart(
    analytics: AnalyticsClient, query: DashboardQuery, days: DashboardDays
) -> tuple[Analytics, Analytics, list[Analytics]]:
    """Return the numbers of the chart, its marked posts, and the courses of cards."""
    counted: list[CountedMeasure] = [
        (query.measure, query.chart_mode),
        (POSTS, "new"),
        *COURSES,
    ]
    _, prior = await asyncio.gather(
        analytics.load(counted, days.period), _prior(analytics, query, days)
    )
    answer, posted, *courses = [
        await analytics.numbers(*each, days.period) for each in counted
    ]
    return answer if prior is None else _laid_over(answer, prior), posted, courses


async def _prior(
    analytics: AnalyticsClient, query: DashboardQuery, days: DashboardDays
) -> Analytics | None:
    if query.compare == "none":
        return None
    try:
        return await analytics.numbers(query.measure, query.chart_mode, days.prior)
    except ApiError as error:
        if error.code not in {Code.RETENTION_EXCEEDED, Code.INVALID_QUERY}:
            raise
        return None


def _laid_over(answer: Analytics, prior: Analytics) -> Analytics:
    """Return an answer with the period before, point over point.

    A month may be longer than the one before: its last points are compared with
    nothing.
    """
    return replace(
        answer,
        compare_from=prior.from_,
        compare_to=prior.to,
        compare_series=[
            _as_long(before, over)
            for before, over in zip(prior.series, answer.series, strict=True)
        ],
    )


def _as_long(before: Series, over: Series) -> Series:
    points = before.points[: len(over.points)]
    missing = [
        replace(
            point,
            value=None,
            baseline=False,
            observed=False,
            rounded=False,
            sharpened=False,
        )
        for point in over.points[len(points) :]
    ]
    return replace(before, points=[*points, *missing])
