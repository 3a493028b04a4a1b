from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.annotation.observed_times import (
    Gap,
    ObservedTimes,
    longest_gap,
    provider_before,
    with_observation,
)
from tests.kit.builders import NOON

LONGEST = timedelta(hours=12)


def after(*observed: tuple[float, str | None]) -> ObservedTimes:
    """The known times after observations some hours from noon on, by providers."""
    known = ObservedTimes()
    for hours, provider in observed:
        at = NOON + timedelta(hours=hours)
        known = with_observation(known, at, provider=provider, longest=LONGEST)
    return known


def hours_of(gaps: Sequence[Gap]) -> list[tuple[float, float]]:
    hour = timedelta(hours=1)
    return [((gap.start - NOON) / hour, (gap.end - NOON) / hour) for gap in gaps]


def test_observations_that_are_too_far_apart_make_a_gap():
    known = after((0, "web"), (12, "web"), (25, "web"))

    assert hours_of(known.gaps) == [(12, 25)]


def test_what_is_imported_closes_a_gap_or_divides_it():
    outage = ((0, "web"), (40, "web"))

    assert hours_of(after(*outage, (20, None)).gaps) == [(0, 20), (20, 40)]
    assert hours_of(after(*outage, (10, None)).gaps) == [(10, 40)]
    assert after(*outage, *((hours, None) for hours in (12, 24, 36))).gaps == ()


def test_what_is_imported_from_before_the_first_scrape_makes_no_gap():
    assert after((-500, None), (-100, None), (0, "web"), (-200, None)).gaps == ()


def test_the_time_in_which_no_creator_was_tracked_is_no_gap():
    known = replace(after((0, "web")), is_resuming=True)

    known = with_observation(known, NOON + 9 * LONGEST, provider="web", longest=LONGEST)

    assert known.gaps == ()
    assert not known.is_resuming


def test_an_observation_elsewhere_leaves_the_gaps_the_same_object():
    known = after((0, "web"), (40, "web"))

    for hours in (-3, 0, 40, 41):
        at = NOON + timedelta(hours=hours)
        now = with_observation(known, at, provider="web", longest=LONGEST)
        assert now.gaps is known.gaps


@given(st.lists(st.integers(0, 200), min_size=1), st.integers(1, 60))
def test_gaps_are_those_between_neighbours_in_whatever_order_they_come(
    hours: list[int], longest: int
):
    times = [NOON + timedelta(hours=each) for each in [0, 200, *hours]]
    known = ObservedTimes()

    for at in times:
        known = with_observation(
            known, at, provider="web", longest=timedelta(hours=longest)
        )

    assert hours_of(known.gaps) == [
        pair
        for pair in pairwise(sorted({0, 200, *hours}))
        if pair[1] - pair[0] > longest
    ]


@pytest.mark.parametrize(
    ("plan", "chosen", "hours"),
    (
        # Twice the shortest of 24, 12 and 6 hours.
        ("unlimited", {}, 12),
        ("unlimited", {"creator_profiles": 2}, 4),
        ("unlimited", {"video_stats": 48, "discover_videos": None}, 24),
        # The plan allows 24 hours at least.
        ("free", {"creator_profiles": 2}, 48),
        ("a plan of their own", {}, 12),
    ),
)
def test_two_of_the_shortest_intervals_may_pass(plan: str, chosen: dict, hours: int):
    assert longest_gap(plan, chosen) == timedelta(hours=hours)


def test_another_provider_follows_the_newest_one():
    known = after((0, "web"), (6, "research"))
    later = NOON + timedelta(hours=12)

    assert provider_before(ObservedTimes(), later, "web") is None
    assert provider_before(known, later, "replay") == "research"
    assert provider_before(known, later, "research") is None
    # It was there within a week.
    assert provider_before(known, later, "web") is None
    assert provider_before(known, NOON + timedelta(days=8), "web") == "research"
    # An observation older than the newest says nothing about a change.
    assert provider_before(known, NOON, "replay") is None
