"""Capacity: the creators that a source can serve, by its pace and the schedule."""

from collections.abc import Iterable, Mapping
from math import ceil

import msgspec

from domain.messages import JobType
from domain.phrases import counted
from domain.scrape.intervals import DEFAULT_HOURS
from domain.scrape.turns import FEW_VIDEOS, NEWEST_PAGES, PAGE_VIDEOS

DAY_SECONDS = 24 * 60 * 60
# The size of a creator in sentences about how many can be served.
TYPICAL_VIDEOS = 300


class ScheduledScrapes(msgspec.Struct, frozen=True, kw_only=True):
    """Scrapes of one kind that come every ``hours``, of ``subjects`` of one size.

    A subject is a creator with so many ``videos``, or a single video.
    """

    job_type: JobType
    hours: int
    subjects: int = 1
    videos: int = TYPICAL_VIDEOS
    is_single: bool = False

    @property
    def requests_per_day(self) -> float:
        """The requests of a source that lists older videos in turn."""
        runs = self.subjects * 24 / self.hours
        if self.is_single or self.job_type == "creator_profiles":
            return runs
        if self.job_type == "video_stats" and self.videos <= FEW_VIDEOS:
            return runs * self.videos
        pages = ceil(self.videos / PAGE_VIDEOS)
        # Both kinds of scrape share the turn of the day.
        turns = self.subjects * (
            self.job_type == "discover_videos" and pages > NEWEST_PAGES
        )
        return runs * (1 + min(pages, NEWEST_PAGES)) + turns


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The requests that a source may get in a day, and those that the schedule needs.

    It can serve ``creators_possible`` creators like the ``creators`` of today, or of
    300 videos at the default intervals while there are none.
    """

    requests_per_day: int
    requests_needed: int
    creators: int
    creators_possible: int

    @property
    def load(self) -> float:
        """The needed part of the possible requests; above 1 the schedule slips."""
        return self.requests_needed / max(self.requests_per_day, 1)

    @property
    def is_nearly_used(self) -> bool:
        """True from 80 % of the possible requests on."""
        return self.requests_needed * 5 >= self.requests_per_day * 4


def possible_requests(*, seconds_each: float, daily_budget: int | None) -> int:
    """Return the requests that fit into a day, one after the other."""
    by_pace = int(DAY_SECONDS / seconds_each)
    return by_pace if daily_budget is None else min(by_pace, daily_budget)


def capacity(
    scheduled: Iterable[ScheduledScrapes], *, requests_per_day: int, creators: int
) -> Capacity:
    """Return the capacity of a source that does all these scrapes."""
    needed = sum(each.requests_per_day for each in scheduled)
    of_each = needed / creators if creators and needed else requests_of_creator()
    return Capacity(
        requests_per_day=requests_per_day,
        requests_needed=ceil(needed),
        creators=creators,
        creators_possible=int(requests_per_day / of_each),
    )


def requests_of_creator(
    videos: int = TYPICAL_VIDEOS, hours: Mapping[JobType, int] = DEFAULT_HOURS
) -> float:
    """Return the requests per day for a creator with so many videos."""
    return sum(
        ScheduledScrapes(job_type=name, hours=each, videos=videos).requests_per_day
        for name, each in hours.items()
    )


def table_rows(*, seconds_each: float) -> list[str]:
    """Return the rows of the table in docs/sources.md about creators of some sizes."""
    most = possible_requests(seconds_each=seconds_each, daily_budget=None)
    slow: Mapping[JobType, int] = {
        name: 2 * hours for name, hours in DEFAULT_HOURS.items()
    }
    return [
        f"| {videos:,} | {requests_of_creator(videos):,.0f} "
        f"| {most / requests_of_creator(videos):,.0f} "
        f"| {most / requests_of_creator(videos, slow):,.0f} "
        f"| {_older_days(videos)} |"
        for videos in (3, 30, 100, 300, 1_000, 3_000)
    ]


def _older_days(videos: int) -> str:
    older = ceil(videos / PAGE_VIDEOS) - NEWEST_PAGES
    return counted(older, "day") if older > 0 else "has none"
