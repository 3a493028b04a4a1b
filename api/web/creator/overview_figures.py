"""The figures and the charts of a creator's overview."""

import asyncio
from typing import get_args

from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import Analytics, Series
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.compared_days import compared_in_words, ends_in_words
from api.web.charts.marks import known_from, marks_of, posts_of
from api.web.charts.measures import (
    ENGAGEMENT,
    FOLLOWERS,
    POSTS,
    TOTAL_LIKES,
    VIEWS,
    CountedMeasure,
)
from api.web.charts.periods import Period
from api.web.creator.overview_query import ChartName, OverviewQuery
from domain.analytics.series import Value
from domain.analytics.summaries.written_kpis import Direction
from domain.written import (
    days_in_words,
    not_known_before,
    number,
    percent_change,
    short,
    whole,
)

_TOO_MUCH = 1_000
_NEW_VIEWS: CountedMeasure = (VIEWS, "new")
_NEW: tuple[CountedMeasure, ...] = (
    (FOLLOWERS, "new"),
    (TOTAL_LIKES, "new"),
    (POSTS, "new"),
    (ENGAGEMENT, "rate"),
)
_LEVELS: tuple[CountedMeasure, ...] = (
    (FOLLOWERS, "cumulative"),
    (TOTAL_LIKES, "cumulative"),
    (POSTS, "cumulative"),
)


class OverviewFigure(Struct, frozen=True, kw_only=True):
    """A large number and its change, each also in full, with their marks."""

    label: str
    value: str
    full: str
    change: str = ""
    full_change: str = ""
    direction: Direction = ""
    about: str = ""
    is_rounded: bool = False
    is_change_rounded: bool = False
    is_sharpened: bool = False


class Overview(Struct, frozen=True, kw_only=True):
    """The figures and the charts of the page, and an answer about its days.

    A day without a scrape has the numbers of the scrape before.
    """

    days: str
    prior_days: str | None
    figures: list[OverviewFigure]
    charts: list[Chart]
    is_known: bool
    is_observed: bool
    answer: Analytics


async def overview_of(
    figures: AnalyticsClient, query: OverviewQuery, period: Period
) -> Overview:
    """Return the numbers.

    Raises:
        ApiError: a choice is wrong, or the plan does not show these days.
    """
    charts = [query.chart(name) for name in get_args(ChartName)]
    counted = [*_NEW, *_LEVELS, *charts]
    is_compared = bool(query.compare)
    await asyncio.gather(
        # The figure of new views is compared in any case.
        figures.load([_NEW_VIEWS], period, has_prior=True),
        figures.load(
            [each for each in counted if each != _NEW_VIEWS],
            period,
            has_prior=is_compared,
        ),
    )
    followers, likes, posts, rate = [
        await figures.numbers(*each, period) for each in _NEW
    ]
    ends = [(await figures.numbers(*each, period)).series[0] for each in _LEVELS]
    views = await figures.numbers(*_NEW_VIEWS, period, has_prior=True)
    kpis = None
    if views.compare_series is not None and views.series[0].points[-1].partial:
        kpis = await figures.key_figures(period)
    marks = [] if query.marks else posts_of(posts) + marks_of(posts)
    drawn = [
        chart_of(
            name,
            each[0],
            await figures.numbers(*each, period, has_prior=is_compared),
            marks=marks,
        )
        for name, each in zip(get_args(ChartName), charts, strict=True)
    ]
    return Overview(
        days=days_in_words(period.first, period.last),
        prior_days=_prior_days(views) if kpis is None else compared_in_words(kpis),
        figures=[
            _level("Followers", ends[0], followers),
            _level("Total likes", ends[1], likes),
            _level("Included videos", ends[2], posts, about="posted in these days"),
            _views(views, kpis, is_prior_whole=await _is_prior_whole(figures, views)),
            _engagement(rate),
        ],
        charts=drawn,
        is_known=any(chart.is_known for chart in drawn),
        is_observed=any(
            point.observed
            for answer in (followers, views)
            for point in answer.series[0].points
        ),
        answer=posts,
    )


def _level(
    label: str, level: Series, new: Analytics, *, about: str = "in these days"
) -> OverviewFigure:
    change = new.series[0].total
    return OverviewFigure(
        label=label,
        value=short(level.total),
        full=number(level.total),
        change="" if change is None else VIEWS.change(change),
        full_change=f"{'+' if change and change > 0 else ''}{number(change)}",
        direction=_direction(change),
        about=_unknown(new.series[0]) if change is None else about,
        is_rounded=level.total_rounded,
        is_change_rounded=new.series[0].total_rounded,
        is_sharpened=new.series[0].total_sharpened,
    )


def _unknown(new: Series) -> str:
    first = known_from(new)
    return "" if first is None else not_known_before(first)


async def _is_prior_whole(figures: AnalyticsClient, views: Analytics) -> bool:
    """Return whether views are known for the whole prior period."""
    first, compared = views.compare_from, views.compare_series
    if first is None or compared is None:
        return False
    if views.granularity == "day":
        # A day with a known level at its end has a known growth, and no other day has.
        return compared[0].points[0].value is not None
    day = Period(first=first, last=first, granularity="day")
    answer = await figures.numbers(VIEWS, "cumulative", day)
    return answer.series[0].points[0].value is not None


def _views(
    new: Analytics, kpis: Kpis | None, *, is_prior_whole: bool
) -> OverviewFigure:
    """Return the views of the period, compared with the prior one.

    ``kpis`` are the key figures of days that are not over, with those of as much of
    the prior period. If only some days of that are known, no growth is shown.
    """
    now = new.series[0].total
    before = None if new.compare_series is None else new.compare_series[0].total
    words = "the period before"
    if kpis is not None:
        before = kpis.new_views.previous
        words += ends_in_words(kpis)
    change, about = "", ""
    if now is not None and before and not is_prior_whole:
        about = f"{short(before)} in the part of {words} that is known"
    elif now is not None and before:
        more = 100 * (now - before) / abs(before)
        change = percent_change(more)
        about = f"against {short(before)} in {words}"
        if abs(more) >= _TOO_MUCH:
            # A percentage of almost nothing says nothing.
            change = f"{short(whole(now / before))} times"
            about = f"the {short(before)} of {words}"
    elif now is None:
        about = _unknown(new.series[0])
    elif new.compare_series is not None:
        about = "none" if before == 0 else "nothing known"
        about = f"{about} in {words}"
    return OverviewFigure(
        label="New views",
        value=short(now),
        full=number(now),
        change=change,
        direction=_direction((now or 0) - before) if before and change else "",
        about=about,
    )


def _engagement(rate: Analytics) -> OverviewFigure:
    """Return the engagement by views of the period, and why it may be negative."""
    value = rate.series[0].total
    about = "likes, comments, shares and saves per 100 new views"
    if value is not None and value < 0:
        about = "below zero: TikTok took counts back in these days"
    return OverviewFigure(
        label=ENGAGEMENT.label,
        value=ENGAGEMENT.shortly(value),
        full=ENGAGEMENT.written(value),
        about=about,
        is_rounded=rate.series[0].total_rounded,
    )


def _direction(change: Value) -> Direction:
    if not change:
        return ""
    return "up" if change > 0 else "down"


def _prior_days(views: Analytics) -> str | None:
    if views.compare_from is None or views.compare_to is None:
        return None
    return days_in_words(views.compare_from, views.compare_to)
