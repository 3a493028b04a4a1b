"""The chart of a video: its views, likes, comments and shares since it was posted."""

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
# Every line has its own name; this phrase says what they are together.
_TOGETHER = Measure(
    name="views", label="Counts", noun="counts of the video", metric="views"
)


class VideoChart(Struct, frozen=True, kw_only=True):
    """The chart of a video, and the answer that it shows."""

    chart: Chart
    answer: Analytics


async def chart_of_video(
    page: PageContext, video: Video, *, is_marked: bool
) -> VideoChart | None:
    """Return the chart of a video's levels; None if the plan does not show its days."""
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
    answer = _together(answers)
    marks = _posted(page, video) + marks_of(answer) if is_marked else []
    return VideoChart(
        chart=chart_of("video", _TOGETHER, answer, marks=marks), answer=answer
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


def _together(answers: list[Analytics]) -> Analytics:
    """Return the answers as one, whose series have the names of their measures."""
    series = [
        replace(one, entity_ref=replace(one.entity_ref, label=measure.label))
        for measure, answer in zip(COUNTS, answers, strict=True)
        for one in answer.series
    ]
    return replace(answers[0], series=series)
