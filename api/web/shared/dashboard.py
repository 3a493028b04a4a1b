"""The dashboard of a shared page, all of it from analytics, now or as of a time."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import OTHER_ID, Analytics, Series
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.compared_days import compared_in_words
from api.web.charts.marks import known_from, marks_of, posts_of
from api.web.charts.measures import (
    ENGAGEMENT,
    FOLLOWERS,
    MEASURES,
    POSTS,
    VIEWS,
    CountedMeasure,
)
from api.web.charts.periods import Period, period_of
from api.web.charts.svg import Sparkline, sparkline
from api.web.creator.top_videos import known_video
from api.web.dashboard.cards import COURSES, KpiCard, first_cards, more_cards
from api.web.dashboard.query import DashboardQuery
from api.web.kit.api_client import ApiRefusedError, QueryValue
from api.web.shared.context import SharedContext
from api.web.shared.days import SharedDays
from domain.analytics.summaries.kpis import Kpi, kpi
from domain.share.decider import ShareState
from domain.written import days_in_words
from projections.annotations.queries import Annotation
from projections.creators.creator import Creator
from projections.videos.queries import Video

# The figures of a page that stands still, by their names among key figures.
_FIGURES: dict[str, CountedMeasure] = {
    "views": (VIEWS, "cumulative"),
    "new_views": (VIEWS, "new"),
    "likes": (MEASURES["likes"], "new"),
    "comments": (MEASURES["comments"], "new"),
    "shares": (MEASURES["shares"], "new"),
    "saves": (MEASURES["saves"], "new"),
    "engagement_rate": (ENGAGEMENT, "rate"),
    "posts": (POSTS, "new"),
    "average_views_per_post": (MEASURES["avg_views_per_post"], "rate"),
    "new_followers": (FOLLOWERS, "new"),
}
_POSTED = "Creators who posted"
_SMALL = 0.01


class RankedRow(Struct, frozen=True, kw_only=True):
    """A creator or video, with what it gained and its part of all gains.

    ``name`` may be a title or a handle, and ``handle`` is empty where no handle is
    known. ``size`` is relative to the largest row, from 0 to 1. One of ``creator`` and
    ``video`` has the picture, unless nobody knows the thing now.
    """

    name: str
    handle: str
    gained: float
    percentage: str
    size: float
    course: Sparkline | None
    creator: Creator | None = None
    video: Video | None = None


class SharedDashboard(Struct, frozen=True, kw_only=True):
    """All data of a shared page."""

    in_words: str
    compared_with: str
    has_today: bool
    cards: list[KpiCard]
    more_cards: list[KpiCard]
    chart: Chart
    creators: list[RankedRow]
    videos: list[RankedRow]
    notes: list[Annotation]


async def shared_dashboard(
    page: SharedContext, share: ShareState, days: SharedDays, query: DashboardQuery
) -> SharedDashboard:
    """Return the dashboard of a link; independent parts are read at the same time.

    Raises:
        ApiError: the thing is gone, or the plan does not show these days.
    """
    period = period_of(days.first, days.last, "")
    analytics = client_of(page, share)
    chosen: CountedMeasure = (query.measure, query.chart_mode)
    # These are asked for together, in as few requests as possible.
    counted: list[CountedMeasure] = [
        chosen,
        (POSTS, "new"),
        *COURSES,
        *_FIGURES.values(),
    ]
    is_compared = days.may_compare(is_rolling=share.rolling is not None)
    _, creators, videos = await asyncio.gather(
        analytics.load(counted, period, has_prior=is_compared),
        _ranked_creators(page, analytics, share, period),
        _ranked_videos(page, analytics, period),
    )
    kpis = await _kpis(page, analytics, share, period, is_compared=is_compared)
    answer = await analytics.numbers(*chosen, period, has_prior=is_compared)
    posts = await analytics.numbers(POSTS, "new", period)
    courses = [await analytics.numbers(*each, period) for each in COURSES]
    notes = [] if "notes" in share.hide else _notes(posts, share)
    marks = posts_of(posts) + marks_of(replace(posts, annotations=notes))
    before = f"in the {counted_days(period)} before" if kpis.compare_from else ""
    more = more_cards(kpis, query, before)
    return SharedDashboard(
        in_words=days_in_words(period.first, period.last),
        compared_with=compared_in_words(kpis),
        has_today=share.as_of is None and days.last == days.today,
        cards=first_cards(kpis, query, before, courses),
        more_cards=[
            card
            for card in more
            if card.label != _POSTED
            or (share.scope != "creator" and share.as_of is None)
        ],
        chart=chart_of("main", query.measure, answer, marks=marks),
        creators=creators,
        videos=videos,
        notes=notes,
    )


def client_of(page: SharedContext, share: ShareState) -> AnalyticsClient:
    """Return a client of analytics that asks about the thing of a link alone."""
    return AnalyticsClient(
        page, str(share.scope_id), entity=share.scope, as_of=share.as_of
    )


async def ranked_creators(
    page: SharedContext, share: ShareState, period: Period
) -> list[RankedRow]:
    """Return the creators that gained most, none for a link to one creator."""
    return await _ranked_creators(page, client_of(page, share), share, period)


async def ranked_videos(
    page: SharedContext, share: ShareState, period: Period
) -> list[RankedRow]:
    """Return the videos that gained most."""
    return await _ranked_videos(page, client_of(page, share), period)


def counted_days(period: Period) -> str:
    return "day" if period.days == 1 else f"{period.days} days"


def _notes(posts: Analytics, share: ShareState) -> list[Annotation]:
    """Return what people noted about the thing itself.

    An answer has the notes of its campaigns, its project and the organization, too,
    which are not for everybody with the link.
    """
    return [
        each
        for each in posts.annotations
        if each.kind == "note"
        and (each.scope, each.scope_id) == (share.scope, share.scope_id)
    ]


async def _kpis(
    page: SharedContext,
    analytics: AnalyticsClient,
    share: ShareState,
    period: Period,
    *,
    is_compared: bool,
) -> Kpis:
    if share.as_of is not None:
        return await _kpis_then(page, analytics, period, is_compared=is_compared)
    params: dict[str, QueryValue] = {
        f"{share.scope}_id": str(share.scope_id),
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
    }
    try:
        compare = "prior_period" if is_compared else None
        got = await page.get("/analytics/kpis", Kpis, **params, compare=compare)
    except ApiRefusedError as error:
        if error.code is not Code.RETENTION_EXCEEDED or not is_compared:
            raise
        got = await page.get("/analytics/kpis", Kpis, **params)
    return got.data


async def _kpis_then(
    page: SharedContext,
    analytics: AnalyticsClient,
    period: Period,
    *,
    is_compared: bool,
) -> Kpis:
    """Return the key figures of a page that stands still.

    They are compared with the days before unless the last day was not over: a part of a
    day is no day.
    """
    answers = {
        name: await analytics.numbers(*each, period, has_prior=is_compared)
        for name, each in _FIGURES.items()
    }
    any_of_them = answers["new_views"]
    is_whole = not any_of_them.series[0].points[-1].partial
    compared = any_of_them.compare_from if is_whole else None
    figures = {
        name: _kpi(answer.series[0], answer.compare_series if compared else None)
        for name, answer in answers.items()
    }
    return Kpis(
        from_=period.first,
        to=period.last,
        tz=page.time_zone,
        compare_from=compared,
        compare_to=any_of_them.compare_to if compared else None,
        compare_until=None,
        active_creators=kpi(None, None, known_share=None),
        **figures,
    )


def _kpi(now: Series, before: Sequence[Series] | None) -> Kpi:
    prior = before[0] if before else None
    return kpi(
        now.total,
        prior and prior.total,
        rounded=now.total_rounded,
        sharpened=now.total_sharpened,
        previous_rounded=prior is not None
        and (prior.total_rounded or prior.total_sharpened),
        known_share=None,
        known_from=known_from(now),
    )


async def _ranked_creators(
    page: SharedContext,
    analytics: AnalyticsClient,
    share: ShareState,
    period: Period,
) -> list[RankedRow]:
    if share.scope == "creator":
        return []
    answer = await analytics.by_creator(VIEWS, period)
    series = _gaining(answer)
    ids = [one.entity_ref.id for one in series]
    known: dict[str, Creator] = {}
    if ids:
        got = await page.get(
            "/creators",
            list[Creator],
            creator_ids=",".join(ids),
            status="all",
            limit=len(ids),
        )
        known = {str(one.id): one for one in got.data}
    rows: list[RankedRow] = []
    for one, share_of_all, size in _sized(answer, series):
        creator = known.get(one.entity_ref.id)
        handle = creator.tiktok_handle if creator else ""
        name = (creator and creator.display_name) or one.entity_ref.label
        rows.append(
            _row(one, share_of_all, size, name=name, handle=handle, creator=creator)
        )
    return rows


async def _ranked_videos(
    page: SharedContext, analytics: AnalyticsClient, period: Period
) -> list[RankedRow]:
    answer = await analytics.by_video(VIEWS, period)
    series = _gaining(answer)
    known = await asyncio.gather(
        *(known_video(page, one.entity_ref.id) for one in series)
    )
    return [
        _row(
            one,
            share_of_all,
            size,
            name=(video and video.title) or _titled(one.entity_ref.label),
            handle="",
            video=video,
        )
        for (one, share_of_all, size), video in zip(
            _sized(answer, series), known, strict=True
        )
    ]


def _titled(label: str) -> str:
    # The API names a video without a title by its id.
    return f"Video {label}" if label.isdigit() else label


def _gaining(answer: Analytics) -> list[Series]:
    return [
        one
        for one in answer.breakdown_series or []
        if one.entity_ref.id != OTHER_ID and one.total and one.total > 0
    ]


def _sized(
    answer: Analytics, series: Sequence[Series]
) -> list[tuple[Series, str, float]]:
    """Return each series with its part of all gains, and its size by the largest."""
    whole = sum(max(one.total or 0, 0) for one in answer.breakdown_series or [])
    most = max((one.total or 0 for one in series), default=0)
    return [
        (one, _percentage((one.total or 0) / whole), (one.total or 0) / most)
        for one in series
    ]


def _percentage(part: float) -> str:
    return "< 1%" if part < _SMALL else f"{100 * part:.0f}%"


def _row(
    one: Series,
    percentage: str,
    size: float,
    *,
    name: str,
    handle: str,
    creator: Creator | None = None,
    video: Video | None = None,
) -> RankedRow:
    values = [point.value for point in one.points if not point.partial]
    return RankedRow(
        name=name,
        handle=handle,
        gained=one.total or 0,
        percentage=percentage,
        size=round(size, 4),
        course=sparkline(values, from_zero=True) if len(values) > 1 else None,
        creator=creator,
        video=video,
    )
