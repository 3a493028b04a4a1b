"""The explanation of one point of a chart: the observations behind its number."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from api.routes.analytics.responses import Explanation
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import bucket_label
from api.web.charts.measures import MEASURES, Measure
from api.web.charts.periods import Period, day_in
from domain.analytics.metrics import Mode
from domain.written import UNKNOWN, days_in_words, number, with_about
from projections.analytics.read.explanations.explain import (
    ExplainedObservation,
    OtherCount,
)

MOST_SHOWN = 100
# In place of a day: the number of the whole period is explained.
WHOLE_PERIOD = "all"
_TERMS = {"value": "", "numerator": "Divided", "denominator": "Divided by"}


class ObservationRow(Struct, frozen=True, kw_only=True):
    """An observation as the page shows it; without a video it is about the profile.

    ``handle`` is that of the creator of the profile, null if no list has it any more.
    ``others`` are observations by other providers shortly before.
    """

    term: str
    noun: str
    tiktok_video_id: str | None
    profile: UUID | None
    handle: str | None
    title: str | None
    observed_at: datetime
    source: str
    before: str
    after: str
    contribution: str
    note: str
    others: list[OtherCount]


class ExplainedNumber(Struct, frozen=True, kw_only=True):
    """A number with its observations, the largest contributions first.

    ``is_whole`` says that it is of the whole period, not of one bucket. ``day`` is the
    first day of the bucket, and ``last_moment`` is in the last day whose
    observations count.
    ``left_out`` is the number of smaller ones that are not shown. ``adds`` is true if
    observations add differences instead of the observed numbers.
    """

    chart: str
    is_whole: bool
    day: date
    bucket: str
    value: str
    noun: str
    sum: str
    last_moment: datetime
    observations: list[ObservationRow]
    has_terms: bool
    adds: bool
    left_out: int


async def explain_number(
    analytics: AnalyticsClient,
    measure: Measure,
    mode: Mode,
    period: Period,
    *,
    chart: str,
    on: str,
) -> ExplainedNumber | None:
    """Return the explanation of the point of a chart that is ``on`` a day.

    ``on`` may also be ``WHOLE_PERIOD``.

    The result is None if no chart and day were chosen.

    Raises:
        ApiError: there is no such point.
    """
    if not chart or not on:
        return None
    day = None if on == WHOLE_PERIOD else day_in("on", on)
    found = await analytics.explain(measure, mode, period, day)
    largest = sorted(found.observations, key=lambda o: -abs(o.contribution or 0))
    shown = largest[:MOST_SHOWN]
    handles = await analytics.handles({one.profile for one in shown if one.profile})
    return ExplainedNumber(
        chart=chart,
        is_whole=day is None,
        day=day or period.first,
        bucket=days_in_words(period.first, period.last)
        if day is None
        else bucket_label(day, period.granularity),
        value=with_about(measure.written(found.value), is_rounded=found.rounded),
        noun=measure.noun if mode != "new" else f"new {measure.noun}",
        sum=_sum(measure, found),
        observations=[_observation(one, handles) for one in shown],
        last_moment=found.ends_at - timedelta(seconds=1),
        has_terms=mode == "rate",
        adds=mode != "cumulative"
        or any(one.contribution != one.level_after for one in largest),
        left_out=max(len(largest) - MOST_SHOWN, 0),
    )


def _sum(measure: Measure, found: Explanation) -> str:
    if found.mode != "rate":
        return ""
    above, below = number(found.numerator), number(found.denominator)
    times = "" if found.factor == 1 else f"{found.factor} \N{MULTIPLICATION SIGN} "
    return f"{times}{above} / {below} = {measure.written(found.value)}"


def _observation(
    one: ExplainedObservation, handles: Mapping[UUID, str]
) -> ObservationRow:
    is_post = one.metric == "posts"
    source = one.provider or ("its time of posting" if is_post else UNKNOWN)
    return ObservationRow(
        term=_TERMS[one.term],
        noun=MEASURES[one.metric].label,
        tiktok_video_id=one.tiktok_video_id,
        profile=one.profile,
        handle=handles.get(one.profile) if one.profile else None,
        title=one.title,
        observed_at=one.observed_at,
        source=source,
        before=number(one.level_before),
        after=number(one.level_after),
        contribution=with_about(number(one.contribution), is_rounded=one.rounded),
        note=_note(one),
        others=one.others,
    )


def _note(one: ExplainedObservation) -> str:
    if one.baseline:
        return "baseline: it was there before the first scrape"
    if one.sharpened:
        return "became exact: it was rounded before, so this is not growth"
    if one.precision != "rounded":
        return ""
    return "rounded by the source" if one.rounded else "rounded, and as known exactly"
