import pytest

from domain.events import JobType
from domain.organization.plans import DEFAULT_PLANS, UNLIMITED, Limits
from domain.scrape.intervals import DEFAULT_HOURS, floor_of, hours_between


def test_without_a_wish_or_a_floor_the_defaults_hold():
    hours = {
        job_type: hours_between(job_type, chosen=None, limits=DEFAULT_PLANS[UNLIMITED])
        for job_type in DEFAULT_HOURS
    }

    assert hours == {"creator_profiles": 24, "discover_videos": 12, "video_stats": 6}


@pytest.mark.parametrize(
    ("plan", "floors"),
    (
        ("free", (24, 24, 24)),
        ("starter", (24, 12, 6)),
        ("ultra", (12, 6, 3)),
        ("unlimited", (None, None, None)),
    ),
)
def test_each_plan_has_its_floors(plan: str, floors: tuple[int | None, ...]):
    limits = DEFAULT_PLANS[plan]

    assert tuple(floor_of(job_type, limits) for job_type in DEFAULT_HOURS) == floors


@pytest.mark.parametrize(
    ("requested", "floor", "hours"),
    (
        (1, None, 1),
        (720, None, 720),
        (1, 3, 3),
        (3, 3, 3),
        (4, 3, 4),
        (None, 3, 6),
        (None, 24, 24),
    ),
)
def test_what_is_asked_holds_unless_the_plan_wants_more_hours(
    requested: int | None, floor: int | None, hours: int
):
    limits = Limits(min_video_stats_hours=floor, min_discover_videos_hours=100)
    job_type: JobType = "video_stats"

    assert hours_between(job_type, chosen=requested, limits=limits) == hours
