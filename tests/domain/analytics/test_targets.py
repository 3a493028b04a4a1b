"""Targets: reached, required and projected, and the words for it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.analytics.targets import (
    Progress,
    TargetCount,
    TargetCounts,
    TargetProgress,
    TargetStatus,
    has_status,
    phase_of,
    progress,
)
from domain.messages import TargetScope

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
END = BEGAN + timedelta(days=100)
NOTHING = TargetProgress(
    target=None,
    reached=None,
    percentage=None,
    required_per_day=None,
    projected_at_target=None,
    status=None,
)


def after(
    days: float,
    reached: int | None,
    growth: int | None = 0,
    *,
    end: datetime | None = END,
    target: int | None = 1_000,
) -> Progress:
    return progress(
        scope="lifetime",
        target_views=target,
        target_at=end,
        counts=TargetCounts(TargetCount(reached, growth)),
        began_at=BEGAN,
        ends_at=None,
        now=BEGAN + timedelta(days=days),
        zone=UTC,
    )


def test_a_running_target_says_what_it_needs_and_what_it_will_be():
    assert after(60, 405, 70) == Progress(
        target_scope="lifetime",
        target_views=1_000,
        target_at=END,
        reached=405,
        percentage=40,
        required_per_day=14.875,
        projected_at_target=805,
        status="behind_pace",
        posts=NOTHING,
        engagement=NOTHING,
        cost_minor=None,
        currency=None,
        effective_cpm_minor=None,
    )


@pytest.mark.parametrize(
    ("days", "reached", "growth", "status"),
    (
        (60, 600, 70, "on_track"),
        (60, 599, 70, "behind_pace"),
        (60, 300, 70, "behind_pace"),
        (60, 299, 70, "at_risk"),
        (9.9, 0, 0, "on_track"),
        (9.9, 0, None, "on_track"),
        (10, 0, 0, "at_risk"),
        # A target that is reached is completed at once, however it goes on.
        (60, 1_000, -70, "completed"),
        (5, 1_000, 0, "completed"),
        (100, 1_000, 0, "completed"),
        (100, 999, 70, "missed"),
        # Nothing is said of what is not known.
        (60, 300, None, None),
        (60, None, None, None),
        (120, None, None, None),
    ),
)
def test_the_status_follows_from_the_projection(
    days: float, reached: int | None, growth: int | None, status: TargetStatus | None
):
    assert after(days, reached, growth).status == status


def test_what_is_unknown_is_null_and_not_0():
    found = after(60, None, None)

    assert (found.reached, found.percentage, found.required_per_day) == (None,) * 3
    assert found.projected_at_target is None
    assert after(60, 300, None).required_per_day == 17.5


def test_only_whole_days_are_left():
    assert after(60.5, 220, 70).required_per_day == 20
    assert after(60.5, 220, 70).projected_at_target == 610
    last_day = after(99.5, 220, 70)
    assert (last_day.required_per_day, last_day.projected_at_target) == (None, 220)


def test_days_are_those_of_the_organization_where_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")

    found = progress(
        scope="gained",
        target_views=400,
        target_at=datetime(2026, 4, 1, tzinfo=berlin),
        counts=TargetCounts(TargetCount(0, 7)),
        began_at=BEGAN,
        ends_at=None,
        now=datetime(2026, 3, 28, tzinfo=berlin),
        zone=berlin,
    )

    # An hour is missing on March 29, and yet these are four days.
    assert (found.required_per_day, found.projected_at_target) == (100, 4)


@pytest.mark.parametrize(("scope", "left"), (("gained", 10), ("posts_in_days", 40)))
def test_nothing_is_gained_after_the_last_day(scope: str, left: int):
    found = progress(
        scope=scope,  # pyright: ignore[reportArgumentType]
        target_views=1_000,
        target_at=END,
        counts=TargetCounts(TargetCount(0, 7)),
        began_at=BEGAN,
        ends_at=BEGAN + timedelta(days=70),
        now=BEGAN + timedelta(days=60),
        zone=UTC,
    )

    assert found.projected_at_target == left


def test_a_projection_is_exact_however_large_it_is():
    growth, days = 3**40, 40

    found = after(100 - days, 0, growth, target=10**18)

    # A float would be wrong in the last digits.
    assert found.projected_at_target == (2 * growth * days + 7) // 14


def test_what_is_over_needs_and_projects_nothing():
    found = after(100, 999, 70)

    assert (found.required_per_day, found.projected_at_target) == (None, None)


def test_without_an_end_a_target_is_reached_or_not():
    assert after(60, 999, 70, end=None).status is None
    assert after(60, 1_000, 70, end=None).status == "completed"
    assert after(60, 999, 70, end=None).required_per_day is None


def test_without_a_target_there_is_only_what_was_reached():
    found = after(93, 7, 7, target=None)

    assert found.reached == 7
    assert found.projected_at_target is None
    assert (found.percentage, found.required_per_day, found.status) == (None,) * 3


def _of_three(
    scope: TargetScope, reached: int | None = 2_000, *, cost_minor: int | None = 5_000
) -> Progress:
    return progress(
        scope=scope,
        counts=TargetCounts(
            views=TargetCount(reached, 7),
            posts=TargetCount(3, 7),
            engagement=TargetCount(40, 7),
        ),
        target_views=1_000,
        target_posts=12,
        target_engagement=400,
        target_at=END,
        cost_minor=cost_minor,
        currency="EUR",
        began_at=BEGAN,
        ends_at=BEGAN + timedelta(days=70),
        now=BEGAN + timedelta(days=60),
        zone=UTC,
    )


def test_posts_and_engagement_are_targets_of_their_own():
    found = _of_three("gained")

    assert found.status == "completed"
    assert found.posts == TargetProgress(
        target=12,
        reached=3,
        percentage=25,
        required_per_day=0.9,
        projected_at_target=13,
        status="on_track",
    )
    assert found.engagement == TargetProgress(
        target=400,
        reached=40,
        percentage=10,
        required_per_day=36,
        projected_at_target=50,
        status="at_risk",
    )


def test_no_post_of_the_days_comes_after_them_though_their_engagement_does():
    found = _of_three("posts_in_days")

    assert found.posts.projected_at_target == 3 + 10
    assert found.engagement.projected_at_target == 40 + 40
    assert _of_three("lifetime").posts.projected_at_target == 3 + 40


def test_a_cost_is_divided_by_the_thousands_of_counted_views():
    assert _of_three("gained").effective_cpm_minor == 2_500
    assert _of_three("gained", 3).effective_cpm_minor == 1_666_666.666667
    assert _of_three("gained", cost_minor=0).effective_cpm_minor == 0
    for unknown in (None, 0, -5):
        assert _of_three("gained", unknown).effective_cpm_minor is None
    assert _of_three("gained", cost_minor=None).effective_cpm_minor is None


def test_a_campaign_is_ahead_running_or_over():
    first, last = date(2026, 5, 1), date(2026, 5, 31)

    for began, ended, today, expected in (
        (first, last, date(2026, 4, 30), "upcoming"),
        (first, last, first, "running"),
        (first, last, last, "running"),
        (first, last, date(2026, 6, 1), "ended"),
        (None, last, date(2026, 4, 30), "running"),
        (None, last, date(2026, 6, 1), "ended"),
        (first, None, date(2027, 1, 1), "running"),
        (None, None, first, "running"),
    ):
        found = phase_of(began, ended, today=today)
        assert found == expected, (began, ended, today)


def test_a_campaign_has_the_status_of_each_of_its_targets():
    counts = TargetCounts(
        TargetCount(10, 0), TargetCount(5, 0), TargetCount(None, None)
    )
    found = progress(
        scope="gained",
        counts=counts,
        target_views=1_000,
        target_posts=5,
        target_engagement=10,
        target_at=END,
        began_at=BEGAN,
        ends_at=END,
        now=BEGAN + timedelta(days=50),
        zone=UTC,
    )

    statuses: tuple[TargetStatus, ...] = ("at_risk", "completed")
    for status in statuses:
        assert has_status(found, status), status
    assert not has_status(found, "missed")
    assert not has_status(found, "on_track")
