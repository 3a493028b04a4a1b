"""The numbers of a shared page as CSV, at an address that spreadsheets can read."""

from typing import Final

from litestar import Response

from api.http.csv_text import csv_text
from api.web.charts.measures import (
    ENGAGEMENT,
    FOLLOWERS,
    MEASURES,
    POSTS,
    VIEWS,
    CountedMeasure,
)
from api.web.charts.periods import period_of
from api.web.shared.context import SharedContext
from api.web.shared.dashboard import client_of, ranked_creators, ranked_videos
from api.web.shared.days import SharedDays
from domain.share.decider import ShareState

_COLUMNS: Final[dict[str, CountedMeasure]] = {
    "new_views": (VIEWS, "new"),
    "views": (VIEWS, "cumulative"),
    "posts": (POSTS, "new"),
    "new_likes": (MEASURES["likes"], "new"),
    "new_comments": (MEASURES["comments"], "new"),
    "new_shares": (MEASURES["shares"], "new"),
    "new_saves": (MEASURES["saves"], "new"),
    "new_followers": (FOLLOWERS, "new"),
    "followers": (FOLLOWERS, "cumulative"),
    "engagement_rate": (ENGAGEMENT, "rate"),
}


async def shared_file(
    page: SharedContext, share: ShareState, days: SharedDays, *, table: str
) -> Response[bytes]:
    """Return a row for each day, or the creators or videos that gained most views.

    Longer times than 400 days have a row for each week or month.

    Raises:
        ApiError: the thing is gone, or the plan does not show these days.
    """
    text = await _text(page, share, days, table=table)
    name = f"{share.scope}-{days.first}-{days.last}.csv"
    return Response(
        text.encode(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _text(
    page: SharedContext, share: ShareState, days: SharedDays, *, table: str
) -> str:
    period = period_of(days.first, days.last, "day")
    if table == "creators":
        creators = await ranked_creators(page, share, period)
        return csv_text(
            ("name", "handle", "new_views"),
            ((row.name, row.handle, row.gained) for row in creators),
        )
    if table == "videos":
        videos = await ranked_videos(page, share, period)
        return csv_text(("title", "new_views"), ((r.name, r.gained) for r in videos))
    analytics = client_of(page, share)
    await analytics.load([*_COLUMNS.values()], period)
    answers = [await analytics.numbers(*each, period) for each in _COLUMNS.values()]
    series = [answer.series[0].points for answer in answers]
    return csv_text(
        ("date", *_COLUMNS),
        (
            (points[0].date, *(point.value for point in points))
            for points in zip(*series, strict=True)
        ),
    )
