"""Kinds of scrapes fail, and work again, each by itself."""

from datetime import timedelta

from domain.messages import JobType, Outcome
from domain.scrape.failures import FailingKind, after_failure, after_success
from tests.kit.builders import NOON

LATER = NOON + timedelta(days=1)


def failing(
    job_type: JobType, scrapes: int = 1, outcome: Outcome | None = "blocked"
) -> FailingKind:
    return FailingKind(
        job_type=job_type,
        failing_since=NOON,
        failed_scrapes=scrapes,
        last_outcome=outcome,
    )


def test_the_first_failure_of_a_kind_comes_behind_those_that_fail_longer():
    given = [failing("video_stats")]

    then = after_failure(given, "creator_profiles", None, at=LATER)

    assert then == [
        failing("video_stats"),
        FailingKind(
            job_type="creator_profiles",
            failing_since=LATER,
            failed_scrapes=1,
            last_outcome=None,
        ),
    ]


def test_failures_of_a_kind_are_counted_since_the_first_of_them():
    given = [failing("video_stats", 2), failing("creator_profiles")]

    then = after_failure(given, "video_stats", "transient", at=LATER)

    assert then == [failing("video_stats", 3, "transient"), failing("creator_profiles")]


def test_a_scrape_that_worked_ends_the_failures_of_its_kind_only():
    given = [failing("video_stats"), failing("creator_profiles")]

    assert after_success(given, "creator_profiles") == [failing("video_stats")]
    assert after_success(given, "discover_videos") == given


def test_that_nobody_was_asked_is_no_failure_and_ends_none():
    given = [failing("video_stats")]

    for job_type in ("video_stats", "creator_profiles"):
        assert after_failure(given, job_type, "not_in_recording", at=LATER) == given
