"""Targets: reached, required and projected, and the words for it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.analytics.targets import Progress, TargetStatus, progress

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
END = BEGAN + timedelta(days=100)


def after(
    days: float,
    reached: int | None,
    growth: int | None = 0,
    *,
    end: datetime | None = END,
) -> Progress:
    return progress(
        target_views=1_000,
        target_at=end,
        reached=reached,
        recent_growth=growth,
        began_at=BEGAN,
        now=BEGAN + timedelta(days=days),
    )


def test_a_running_target_says_what_it_needs_and_what_it_will_be():
    assert after(60, 405, 70) == Progress(
        target_views=1_000,
        target_at=END,
        reached=405,
        percentage=40,
        required_per_day=14.875,
        projected_at_target=805,
        status="behind_pace",
    )


@pytest.mark.parametrize(
    ("days", "reached", "growth", "status"),
    (
        (60, 600, 70, "on_track"),
        (60, 599, 70, "behind_pace"),
        (60, 300, 70, "behind_pace"),
        (60, 299, 70, "at_risk"),
        (60, 1_200, -70, "behind_pace"),
        (9.9, 0, 0, "on_track"),
        (10, 0, 0, "at_risk"),
        (60, None, None, "at_risk"),
        (100, 1_000, 0, "completed"),
        (100, 999, 70, "missed"),
        (120, None, None, "missed"),
    ),
)
def test_the_status_follows_from_the_projection(
    days: float, reached: int | None, growth: int | None, status: TargetStatus
):
    assert after(days, reached, growth).status == status


def test_what_is_over_needs_and_projects_nothing():
    found = after(100, 999, 70)

    assert (found.required_per_day, found.projected_at_target) == (None, None)


def test_without_an_end_a_target_is_reached_or_not():
    assert after(60, 999, 70, end=None).status is None
    assert after(60, 1_000, 70, end=None).status == "completed"
    assert after(60, 999, 70, end=None).required_per_day is None


def test_without_a_target_there_is_only_what_was_reached():
    found = progress(
        target_views=None,
        target_at=END,
        reached=7,
        recent_growth=7,
        began_at=BEGAN,
        now=END - timedelta(days=7),
    )

    assert (found.reached, found.projected_at_target) == (7, 14)
    assert (found.percentage, found.required_per_day, found.status) == (None,) * 3
