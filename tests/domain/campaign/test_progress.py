from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from domain.campaign.progress import CampaignProgress, progress_of
from tests.kit.builders import NOON

TEN_DAYS = NOON + timedelta(days=10)


def after(days: float, reached: int, **known: Any) -> CampaignProgress:  # noqa: ANN401
    """The progress of 1,000 views in ten days, so many days after their start."""
    terms: dict[str, Any] = {"target_at": TEN_DAYS, "starts_at": NOON, **known}
    now = NOON + timedelta(days=days)
    return progress_of(target_views=1_000, reached=reached, now=now, **terms)


def test_a_running_target_says_what_it_needs_and_what_it_will_have():
    assert after(4, 333) == CampaignProgress(
        target_views=1_000,
        target_at=TEN_DAYS,
        reached=333,
        percentage=33,
        # 667 in six days.
        required_per_day=112,
        # 333 in four of ten.
        projected_at_target=832,
        status="behind_pace",
    )


@pytest.mark.parametrize(
    ("days", "reached", "status"),
    (
        (5, 500, "on_track"),
        (5, 499, "behind_pace"),
        (5, 350, "behind_pace"),
        (5, 349, "at_risk"),
        (5, 0, "at_risk"),
        # Nothing is said of the first tenth, nor of the time before.
        (0.99, 0, "on_track"),
        (-3, 0, "on_track"),
        (1, 0, "at_risk"),
        (1, 1_000, "completed"),
        (10, 1_000, "completed"),
        (10, 999, "missed"),
        (11, 0, "missed"),
    ),
)
def test_the_status_follows_the_pace_and_the_end(
    days: float, reached: int, status: str
):
    assert after(days, reached).status == status


def test_a_target_that_is_reached_needs_nothing_more():
    done = after(5, 1_500)

    assert (done.percentage, done.required_per_day) == (150, 0)
    assert done.projected_at_target == 3_000


@pytest.mark.parametrize("reached", (999, 1_000))
def test_after_its_time_a_target_needs_and_projects_nothing(reached: int):
    ended = after(10, reached)

    assert (ended.required_per_day, ended.projected_at_target) == (None, None)


def test_before_its_start_there_is_nothing_to_project_by():
    assert after(-1, 0).projected_at_target is None
    assert after(0, 0).projected_at_target is None


@pytest.mark.parametrize(
    ("growth", "projected", "status"),
    (
        (Fraction(200), 1_000, "on_track"),
        (Fraction(199), 995, "behind_pace"),
        (Fraction(140), 700, "behind_pace"),
        (Fraction(139), 695, "at_risk"),
        (None, None, None),
    ),
)
def test_without_a_start_the_growth_of_the_last_days_goes_on(
    growth: Fraction | None, projected: int | None, status: str | None
):
    progress = after(5, 0, starts_at=None, growth_per_day=growth)

    assert (progress.projected_at_target, progress.status) == (projected, status)
    assert progress.required_per_day == 200


@pytest.mark.parametrize(("reached", "status"), ((999, None), (1_000, "completed")))
def test_a_target_without_a_time_has_no_pace(reached: int, status: str | None):
    progress = after(5, reached, target_at=None)

    assert progress.status == status
    assert (progress.required_per_day, progress.projected_at_target) == (None, None)


@pytest.mark.parametrize("start", (TEN_DAYS, TEN_DAYS + timedelta(days=1)))
def test_a_start_at_or_after_the_end_projects_nothing(start: datetime):
    progress = after(5, 10, starts_at=start)

    assert (progress.projected_at_target, progress.status) == (None, None)
    assert progress.required_per_day == 198
