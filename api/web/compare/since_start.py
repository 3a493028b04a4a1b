"""The chart of campaigns by their days since the start, one drawn over the other."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from api.http.csv_text import csv_text, text_cell
from api.routes.analytics.responses import Analytics, Series
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.periods import Period
from api.web.compare.query import CompareQuery
from api.web.kit.page import PageContext
from domain.analytics.series import Point
from domain.phrases import counted
from projections.campaigns.queries import Campaign

# Day 1 is drawn here, whatever the first day of a campaign is.
_FIRST: Final = date(1970, 1, 1)
_A_DAY: Final = timedelta(days=1)
_MOST_DAYS: Final = 366


class SinceStart(Struct, frozen=True, kw_only=True):
    """The chart, its numbers, and the own days of each campaign up to today."""

    chart: Chart
    answer: Analytics
    days: Sequence[Period]


async def since_their_start(
    page: PageContext, query: CompareQuery, *, today: date
) -> SinceStart:
    """Return the comparison of campaigns by day since the start of each.

    A campaign without a first day starts when it was made. The first 366 days are
    shown.

    Raises:
        ApiRefusedError: the API refused, for example with ``retention_exceeded``.
    """
    campaigns = await asyncio.gather(
        *(page.get(f"/campaigns/{id_}", Campaign) for id_ in query.chosen)
    )
    zone = ZoneInfo(query.tz or page.time_zone)
    days = [_days(one.data, today=today, zone=zone) for one in campaigns]
    answers = await asyncio.gather(
        *(
            _numbers(page, query, id_, its_days)
            for id_, its_days in zip(query.chosen, days, strict=True)
        )
    )
    most = max(period.days for period in days)
    own = [answer.series[0] for answer in answers]
    moved = [_moved(series, most) for series in own]
    answer = replace(
        answers[0],
        from_=_FIRST,
        to=_FIRST + (most - 1) * _A_DAY,
        series=moved,
        annotations=[],
    )
    chart = chart_of("compared", query.measure, answer)
    lines = [
        replace(line, of=[*_dates(series, most)])
        for line, series in zip(chart.drawing.lines, own, strict=True)
    ]
    noun, _, _ = chart.caption.partition(" by ")
    return SinceStart(
        chart=replace(
            chart,
            caption=f"{noun} by day since the start, {counted(most, 'day')}",
            rows=[
                replace(row, label=f"Day {number}")
                for number, row in enumerate(chart.rows, 1)
            ],
            drawing=replace(chart.drawing, born=_FIRST - _A_DAY, lines=lines),
        ),
        answer=answer,
        days=days,
    )


def table_since_start(found: SinceStart) -> str:
    """Return the numbers as CSV: a row for each day, a column for each campaign."""
    labels = [one.entity_ref.label or one.entity_ref.id for one in found.answer.series]
    columns = zip(*(one.points for one in found.answer.series), strict=True)
    return csv_text(
        ["day", *map(text_cell, labels)],
        (
            [number, *(point.value for point in points)]
            for number, points in enumerate(columns, 1)
        ),
    )


def rows_since_start(found: SinceStart, query: CompareQuery) -> str:
    """Return the numbers as CSV: a row for each day of each campaign, with its date."""
    return csv_text(
        ["day", "date", "campaign_id", "campaign", "metric", "mode", "value"],
        (
            [
                number,
                period.first + (number - 1) * _A_DAY,
                one.entity_ref.id,
                one.entity_ref.label,
                query.measure.name,
                query.counting,
                point.value,
            ]
            for one, period in zip(found.answer.series, found.days, strict=True)
            for number, point in enumerate(one.points[: period.days], 1)
        ),
    )


def _days(campaign: Campaign, *, today: date, zone: ZoneInfo) -> Period:
    """Return the days up to today; today alone of a campaign that is yet to start."""
    created = campaign.created_at.astimezone(zone).date()
    first = min(campaign.starts_on or created, today)
    last = max(min(campaign.ends_on or today, today), first)
    return Period(
        first=first,
        last=min(last, first + (_MOST_DAYS - 1) * _A_DAY),
        granularity="day",
    )


async def _numbers(
    page: PageContext, query: CompareQuery, id_: str, days: Period
) -> Analytics:
    client = AnalyticsClient(
        page,
        id_,
        entity="campaign",
        time_zone=query.tz or None,
        as_of=query.as_of or None,
    )
    return await client.numbers(query.measure, query.counting, days)


def _moved(series: Series, most: int) -> Series:
    """Return the points at the days of the chart, and unknown ones after the last."""
    points = [
        replace(point, date=_FIRST + number * _A_DAY)
        for number, point in enumerate(series.points)
    ]
    left = range(len(points), most)
    return replace(series, points=[*points, *(_unknown(number) for number in left)])


def _unknown(number: int) -> Point:
    return Point(
        date=_FIRST + number * _A_DAY,
        value=None,
        partial=False,
        baseline=False,
        observed=True,
        rounded=False,
        sharpened=False,
        cut=False,
    )


def _dates(series: Series, most: int) -> Sequence[date]:
    first = series.points[0].date
    return [first + number * _A_DAY for number in range(most)]
