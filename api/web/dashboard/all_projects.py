"""Home over all projects: the organization's figures, and each project's."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from litestar.response import Template
from msgspec import Struct, convert

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import Analytics
from api.routes.lists.creators import CreatorWithFigures, ListTotals
from api.routes.lists.videos import VideoWithFigures
from api.web.activity.days import newest_activity
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.compared_days import compared_in_words
from api.web.charts.measures import groups_for
from api.web.charts.periods import Period
from api.web.dashboard.attention import needing_attention
from api.web.dashboard.cards import COURSES, first_cards, more_cards
from api.web.dashboard.figure_table import COLUMNS
from api.web.dashboard.periods import DashboardDays
from api.web.dashboard.project_rows import ListedProject, listed_projects
from api.web.dashboard.query import DashboardQuery
from api.web.dashboard.rankings import MOST_ON_PAPER
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.project_choices import names_of
from api.web.kit.list_query import PERIODS
from api.web.kit.page import PageContext
from domain.analytics.buckets import Range
from domain.analytics.summaries.kpis import Kpi, known_from, kpi
from domain.written import days_in_words
from projections.projects import Project

# The most lines that a chart can have.
_MOST_LINES = 5
_WRONG = {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}


class _Totals(Struct, frozen=True, kw_only=True):
    """The figures of all creators over some days, and the number of all creators."""

    totals: ListTotals
    creators: int
    active: int


async def show_all_projects(
    page: PageContext, query: DashboardQuery, projects: Sequence[Project]
) -> Template:
    """Return Home over all projects; independent parts are read at the same time."""
    context: dict[str, Any] = {
        "query": query,
        "periods": PERIODS,
        "columns": COLUMNS,
        "groups": groups_for("project"),
        "project_names": {project.id: project.name for project in projects},
        "dashboard": None,
    }
    zone = ZoneInfo(page.time_zone)
    moment = datetime.now(zone)
    today = moment.date()
    try:
        days = query.days(today=today, zone=zone)
        compared = days.compared(now=moment)
        (
            (now, creators),
            before,
            rows,
            videos,
            (attention, activity),
        ) = await asyncio.gather(
            _totals(page, _dates(days.period), limit=MOST_ON_PAPER),
            _totals_before(page, compared),
            listed_projects(page, projects, days),
            page.get(
                "/videos",
                list[VideoWithFigures],
                **_dates(days.period),
                sort="new_views",
                order="desc",
                tracking_status="auto_tracked,included,direct_add",
                limit=MOST_ON_PAPER,
            ),
            asyncio.gather(
                needing_attention(page, None, campaign_id=None),
                newest_activity(page, names_of(projects)),
            ),
        )
        # Totals count an account once, and sums of projects count it in each.
        has_courses = len(rows) <= _MOST_LINES and not now.totals.accounts_counted_once
        kpis = _kpis(page, days, compared, now, before)
        in_words = days.before(kpis.compare_until)
        rows.sort(key=lambda row: row.kpis.new_views.value or 0, reverse=True)
        chart, courses = await _chart(page, query, days, rows, has_courses=has_courses)
        context |= {
            "chart": chart,
            "dashboard": {
                "days": days,
                "in_words": days_in_words(days.first, days.last),
            },
            "compared_with": compared_in_words(kpis),
            "cards": first_cards(kpis, query, in_words, courses),
            "more_cards": more_cards(kpis, query, in_words),
            "rows": rows,
            "creators": creators,
            "total_creators": now.creators,
            "accounts_counted_once": now.totals.accounts_counted_once,
            "videos": videos.data,
            "total_videos": videos.meta["totalCount"],
            "attention": attention,
            "activity": activity,
            "activity_url": "/activity?project=all",
        }
    except ApiError as error:
        if error.code not in _WRONG:
            raise
        return page.show("dashboard/all_projects.html", context, error=error)
    return page.show("dashboard/all_projects.html", context)


def _dates(period: Period | Range) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


async def _totals(
    page: PageContext, days: Mapping[str, str], *, limit: int = 1
) -> tuple[_Totals, list[CreatorWithFigures]]:
    """Return the totals of all creators, and those with the most new views."""
    every, active = await asyncio.gather(
        page.get(
            "/creators",
            list[CreatorWithFigures],
            **days,
            sort="new_views",
            order="desc",
            limit=limit,
        ),
        page.get("/creators", list[Any], **days, limit=1, figures="posts>=1"),
    )
    totals = _Totals(
        totals=convert(every.meta["totals"], ListTotals),
        creators=every.meta["totalCount"],
        active=active.meta["totalCount"],
    )
    return totals, every.data


async def _totals_before(page: PageContext, days: Range) -> _Totals | None:
    """Return the figures of the period before, None if the plan does not show it."""
    chosen = _dates(days)
    if days.until is not None:
        chosen["until"] = days.until.isoformat()
    try:
        totals, _ = await _totals(page, chosen)
    except ApiRefusedError as error:
        if error.code is not Code.RETENTION_EXCEEDED:
            raise
        return None
    return totals


def _kpis(
    page: PageContext,
    days: DashboardDays,
    compared: Range,
    now: _Totals,
    before: _Totals | None,
) -> Kpis:
    """Return the totals as key figures, with their change since the period before."""

    def figure(name: str) -> Kpi:
        prior = before and before.totals
        marked = name == "new_followers"
        return kpi(
            getattr(now.totals, name),
            getattr(prior, name) if prior else None,
            rounded=marked and now.totals.new_followers_rounded,
            sharpened=marked and now.totals.new_followers_sharpened,
            previous_rounded=marked
            and prior is not None
            and (prior.new_followers_rounded or prior.new_followers_sharpened),
            known_share=None,
            known_from=known_from(
                name, partial(getattr, now.totals), now.totals.known_from
            ),
        )

    return Kpis(
        from_=days.first,
        to=days.last,
        tz=page.time_zone,
        compare_from=compared.first if before else None,
        compare_to=compared.last if before else None,
        compare_until=compared.until if before else None,
        active_creators=kpi(now.active, before and before.active, known_share=None),
        **{
            name: figure(name)
            for name in (
                *("views", "new_views", "likes", "comments", "shares", "saves"),
                *("engagement_rate", "posts", "average_views_per_post"),
                "new_followers",
            )
        },
    )


async def _chart(
    page: PageContext,
    query: DashboardQuery,
    days: DashboardDays,
    rows: Sequence[ListedProject],
    *,
    has_courses: bool,
) -> tuple[Chart, list[Analytics]]:
    """Return the chart with a line for each project, at most five, and the courses."""
    measure = query.measure
    courses = COURSES if has_courses else ()
    ids = [str(row.project.id) for row in rows[:_MOST_LINES]]
    analytics = AnalyticsClient(page, *ids, entity="project")
    counted = (measure, query.chart_mode)
    await analytics.load([counted, *courses], days.period)
    answer, *lines = [
        await analytics.numbers(*each, days.period) for each in (counted, *courses)
    ]
    return chart_of("main", measure, answer), lines
