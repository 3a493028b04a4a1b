"""Capacity: the requests of a schedule, and the creators that a source can serve."""

import pytest

from domain.messages import JobType
from domain.scrape.capacity import (
    ScheduledScrapes,
    capacity,
    possible_requests,
    requests_of_creator,
)


@pytest.mark.parametrize(
    ("job_type", "hours", "videos", "requests"),
    (
        ("creator_profiles", 24, 300, 1),
        # The profile and two pages, twice a day, and a page of older videos.
        ("discover_videos", 12, 300, 2 * 3 + 1),
        ("discover_videos", 12, 31, 2 * 3 + 1),
        ("discover_videos", 12, 30, 2 * 3),
        ("discover_videos", 12, 15, 2 * 2),
        ("discover_videos", 12, 0, 2),
        ("video_stats", 6, 300, 4 * 3),
        # Few videos are read one by one.
        ("video_stats", 6, 3, 4 * 3),
        ("video_stats", 6, 2, 4 * 2),
        ("video_stats", 48, 300, 1.5),
    ),
)
def test_requests_follow_from_the_interval_and_the_number_of_videos(
    job_type: JobType, hours: int, videos: int, requests: float
):
    one = ScheduledScrapes(job_type=job_type, hours=hours, videos=videos)
    ten = ScheduledScrapes(job_type=job_type, hours=hours, videos=videos, subjects=10)

    assert one.requests_per_day == requests
    assert ten.requests_per_day == 10 * requests


def test_a_single_video_is_one_request():
    single = ScheduledScrapes(job_type="video_stats", hours=6, is_single=True)

    assert single.requests_per_day == 4


def test_a_budget_is_the_limit_if_it_is_less_than_the_pace_allows():
    assert possible_requests(seconds_each=2, daily_budget=None) == 43_200
    assert possible_requests(seconds_each=2, daily_budget=1_000) == 1_000
    assert possible_requests(seconds_each=2, daily_budget=10**6) == 43_200


def test_the_creators_of_today_say_how_many_more_can_be_served():
    profiles = ScheduledScrapes(job_type="creator_profiles", hours=6, subjects=200)

    found = capacity([profiles], requests_per_day=1_000, creators=200)

    assert (found.requests_needed, found.creators_possible) == (800, 250)
    assert (found.load, found.is_nearly_used) == (0.8, True)


def test_below_80_percent_there_is_room():
    profiles = ScheduledScrapes(job_type="creator_profiles", hours=24, subjects=799)

    assert not capacity([profiles], requests_per_day=1_000, creators=799).is_nearly_used


def test_without_creators_those_of_300_videos_are_meant():
    found = capacity([], requests_per_day=43_200, creators=0)

    assert requests_of_creator() == 20
    assert (found.creators_possible, found.load) == (2_160, 0)


def test_a_budget_of_nothing_serves_nobody():
    profiles = ScheduledScrapes(job_type="creator_profiles", hours=24)

    found = capacity([profiles], requests_per_day=0, creators=1)

    assert (found.creators_possible, found.is_nearly_used) == (0, True)
