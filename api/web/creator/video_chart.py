"""The charts of a video: its views, its likes, and its comments and shares."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.routes.analytics.responses import Analytics
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.chart import Chart, chart_of
from api.web.charts.drawing import ChartMark
from api.web.charts.marks import marks_of
from api.web.charts.measures import MEASURES, CountedMeasure, Measure
from api.web.charts.periods import EARLIEST, period_of
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.videos.queries import Video

COUNTS = tuple(MEASURES[name] for name in ("views", "likes", "comments", "shares"))
# Counts of one size share an axis: likes are flat next to views.
_SMALL_CHARTS = (
    ("video", ("views",)),
    ("likes", ("likes",)),
    ("talk", ("comments", "shares")),
)
TITLES = ("Views since it was posted", "Likes", "Comments and shares")
# Every line has its own name; this phrase says what they are together.
_TALK = Measure(
    name="comments",
    label="Comments and shares",
    noun="comments and shares",
    metric="comments",
)


class VideoCharts(Struct, frozen=True, kw_only=True):
    """The charts of a video, one below the other, and the answer with their marks."""

    charts: list[Chart]
    answer: Analytics


async def chart_of_video(
    page: PageContext, video: Video, *, is_marked: bool
) -> VideoCharts | None:
    """Return the charts of levels; None if the plan does not show the video's days."""
    today = datetime.now(ZoneInfo(page.time_zone)).date()
    period = period_of(_first(page, video, today), today, "")
    analytics = AnalyticsClient(page, str(video.id), entity="video")
    counted: list[CountedMeasure] = [(count, "cumulative") for count in COUNTS]
    try:
        await analytics.load(counted, period)
        answers = [await analytics.numbers(*each, period) for each in counted]
    except ApiRefusedError as error:
        if error.code is not Code.RETENTION_EXCEEDED:
            raise
        return None
    by_name = dict(zip((count.name for count in COUNTS), answers, strict=True))
    answer = answers[0]
    marks = _posted(page, video) + marks_of(answer) if is_marked else []
    return VideoCharts(
        charts=[
            chart_of(
                name,
                MEASURES[counts[0]] if len(counts) == 1 else _TALK,
                _together([by_name[count] for count in counts], counts),
                marks=marks,
            )
            for name, counts in _SMALL_CHARTS
        ],
        answer=answer,
    )


def _posted(page: PageContext, video: Video) -> list[ChartMark]:
    if video.posted_at is None:
        return []
    day = video.posted_at.astimezone(ZoneInfo(page.time_zone)).date()
    return [ChartMark(date=day, text="posted", kind="post")]


def _first(page: PageContext, video: Video, today: date) -> date:
    """Return the day of the posting, or the first day that the plan shows."""
    zone = ZoneInfo(page.time_zone)
    first = (video.posted_at or video.first_seen_at).astimezone(zone).date()
    keeps = page.principal.limits.stats_history_retention_days
    shown = EARLIEST if keeps is None else today - timedelta(days=keeps)
    return min(max(first, shown, EARLIEST), today)


def _together(answers: Sequence[Analytics], counts: Sequence[str]) -> Analytics:
    """Return the answers as one, whose series have the names of their measures."""
    series = [
        replace(one, entity_ref=replace(one.entity_ref, label=MEASURES[count].label))
        for count, answer in zip(counts, answers, strict=True)
        for one in answer.series
    ]
    return replace(answers[0], series=series)
