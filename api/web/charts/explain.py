"""Why a number is what it is: the observations behind one point of a chart."""

from datetime import datetime

from msgspec import Struct

from api.routes.analytics.responses import Explanation
from api.web.charts.analytics_client import Figures
from api.web.charts.chart import bucket_label
from api.web.charts.measures import MEASURES, Measure
from api.web.charts.periods import Span, day_in
from api.web.creator.overview_query import Choices, Part
from api.web.kit.filters import UNKNOWN, number
from projections.analytics.queries.explain import Observation

MOST_SHOWN = 100
_PARTS = {"value": "", "numerator": "Above the line", "denominator": "Below the line"}


class Seen(Struct, frozen=True, kw_only=True):
    """One observation in words; the video is None where the profile was seen."""

    part: str
    noun: str
    tiktok_video_id: str | None
    observed_at: datetime
    source: str
    before: str
    after: str
    contribution: str
    note: str


class Explained(Struct, frozen=True, kw_only=True):
    """A number with its reasons, the largest first.

    ``left_out`` is how many smaller ones are not shown.
    """

    part: Part
    bucket: str
    value: str
    noun: str
    sum: str
    seen: list[Seen]
    has_parts: bool
    left_out: int
    explanation: Explanation


async def explained(figures: Figures, choices: Choices, span: Span) -> Explained | None:
    """Return what explains the point that was chosen, if one was.

    Raises:
        ApiError: there is no such point.
    """
    if not choices.explain or not choices.on:
        return None
    measure, mode = choices.part(choices.explain)
    on = day_in("on", choices.on)
    found = await figures.explain(measure, mode, span, on)
    largest = sorted(found.observations, key=lambda o: -abs(o.contribution))
    return Explained(
        part=choices.explain,
        bucket=bucket_label(on, span.granularity),
        value=measure.written(found.value),
        noun=measure.noun if mode != "new" else f"new {measure.noun}",
        sum=_sum(measure, found),
        seen=[_seen(one) for one in largest[:MOST_SHOWN]],
        has_parts=mode == "rate",
        left_out=max(len(largest) - MOST_SHOWN, 0),
        explanation=found,
    )


def _sum(measure: Measure, found: Explanation) -> str:
    if found.mode != "rate":
        return ""
    above, below = number(found.numerator), number(found.denominator)
    times = "" if found.factor == 1 else f"{found.factor} \N{MULTIPLICATION SIGN} "
    return f"{times}{above} / {below} = {measure.written(found.value)}"


def _seen(one: Observation) -> Seen:
    is_post = one.metric == "posts"
    source = one.provider or ("its time of posting" if is_post else UNKNOWN)
    return Seen(
        part=_PARTS[one.part],
        noun=MEASURES[one.metric].label,
        tiktok_video_id=one.tiktok_video_id,
        observed_at=one.observed_at,
        source=source,
        before=number(one.level_before),
        after=number(one.level_after),
        contribution=number(one.contribution),
        note="baseline: it was there before we looked" if one.baseline else "",
    )
