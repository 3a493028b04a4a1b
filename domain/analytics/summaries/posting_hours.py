"""Posting hours: posts and their views by weekday and hour."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.analytics.summaries.distribution import mean


class PostingHour(Struct, frozen=True, kw_only=True):
    """The videos posted in one hour of one weekday.

    ``dow`` is the weekday by the zone's calendar, 0 for Sunday to 6 for Saturday, and
    ``hour`` is 0 to 23 by its clock. ``avg_views`` is the mean of the videos' known
    levels, null if none is known.
    """

    dow: int
    hour: int
    post_count: int
    avg_views: float | None


def posting_hours(
    videos: Iterable[tuple[datetime, int | None]], zone: ZoneInfo
) -> list[PostingHour]:
    """Return the hours in which videos were posted, in the order of the week.

    ``videos`` are pairs of the time of posting and the level of views, None if unknown.
    """
    by_hour: defaultdict[tuple[int, int], list[int | None]] = defaultdict(list)
    for posted_at, views in videos:
        local = posted_at.astimezone(zone)
        by_hour[local.isoweekday() % 7, local.hour].append(views)
    return [
        PostingHour(
            dow=dow,
            hour=hour,
            post_count=len(views),
            avg_views=mean([level for level in views if level is not None]),
        )
        for (dow, hour), views in sorted(by_hour.items())
    ]
