"""The videos of a creator that gained most in a period."""

import asyncio
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct

from api.http.error_codes import Code
from api.routes.analytics.parameters import MOST_ENTITIES
from api.routes.analytics.responses import OTHER_ID, Series
from api.web.charts.analytics_client import AnalyticsClient
from api.web.charts.measures import Measure
from api.web.charts.periods import Period
from api.web.charts.svg import InlineSvg, inline_svg
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.videos.queries import Video


class TopVideo(Struct, frozen=True, kw_only=True):
    """One of the largest videos, or all others together, which have no id.

    ``value`` is in few digits and ``full`` is exact; ``percentage`` is its part of the
    total, and ``size`` is its size relative to the largest one, from 0 to 1. ``video``
    has the picture, unless nobody knows the video now.
    """

    id: str | None
    label: str
    value: str
    full: str
    percentage: str
    size: float
    svg: InlineSvg
    video: Video | None


class TopVideos(Struct, frozen=True, kw_only=True):
    """The videos, and the query of a page that compares the first of them."""

    videos: list[TopVideo]
    compared: str


async def top_videos(
    page: PageContext, analytics: AnalyticsClient, measure: Measure, period: Period
) -> TopVideos:
    """Return the ten videos that gained most in a period, and the rest as one.

    Raises:
        ApiRefusedError: the API refused, for example with ``retention_exceeded``.
    """
    answer = await analytics.by_video(measure, period)
    series = [one for one in answer.breakdown_series or [] if one.total]
    gains = [max(one.total or 0, 0) for one in series]
    whole, most = sum(gains), max(gains, default=0)
    known = await asyncio.gather(
        *(known_video(page, one.entity_ref.id) for one in series)
    )
    videos = [
        _video(one, video, measure, whole=whole, most=most)
        for one, video in zip(series, known, strict=True)
    ]
    return TopVideos(videos=videos, compared=_compared(videos, measure, period))


async def known_video(page: PageContext, id_: str) -> Video | None:
    """Return the video of a breakdown; None for all others, and if it is gone.

    Raises:
        ApiRefusedError: the API refused, for another reason.
    """
    if id_ == OTHER_ID:
        return None
    try:
        return (await page.get(f"/videos/{UUID(id_)}", Video)).data
    except ApiRefusedError as error:
        if error.code not in {Code.NOT_FOUND, Code.GONE}:
            raise
        return None


def _compared(videos: list[TopVideo], measure: Measure, period: Period) -> str:
    ids = [video.id for video in videos if video.id is not None][:MOST_ENTITIES]
    params = {"entity": "video", "ids": ",".join(ids), "metric": measure.name}
    return urlencode(params | period.query, safe=",") if ids else ""


def _video(
    series: Series,
    video: Video | None,
    measure: Measure,
    *,
    whole: float,
    most: float,
) -> TopVideo:
    gain = max(series.total or 0, 0)
    id_, label = series.entity_ref.id, series.entity_ref.label
    if id_ == OTHER_ID:
        label = "All others"
    elif label.isdigit():
        # The API names a video without a title by its id.
        label = f"Video {label}"
    return TopVideo(
        id=None if id_ == OTHER_ID else id_,
        label=label,
        value=measure.shortly(series.total),
        full=measure.written(series.total),
        percentage=f"{100 * gain / whole:.0f}%" if gain else "",
        size=round(gain / most, 4) if gain else 0,
        svg=inline_svg([[point.value for point in series.points]]),
        video=video,
    )
