"""A check of sources: the asked one, its steps, and the reasons of the others."""

from domain import events as e
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    Blocked,
    Ok,
)
from infra.settings import Settings
from tests.kit.builders import NOON, Home
from tests.kit.jobs import Answer, Scripted
from workers.sources.check import SourceCheck, check_source
from workers.sources.port import Target
from workers.sources.request_counts import RequestCounts

PROFILE = Ok(observed_at=NOON, profile=ProfileObservation(follower_count=7))
VIDEOS = Ok(observed_at=NOON, videos=(VideoObservation(tiktok_video_id="71"),))


class Able(Scripted):
    """A scripted provider that can serve these kinds of runs and no others."""

    def __init__(self, name: str, *answers: Answer, can: tuple[e.JobType, ...]) -> None:
        super().__init__(*answers)
        self.name = name
        self.can = can

    def cannot_serve(self, target: Target, job_type: e.JobType) -> str | None:
        del target
        return None if job_type in self.can else f"No {job_type} of it."


BOTH: tuple[e.JobType, ...] = ("creator_profiles", "discover_videos")


def checked(home: Home, *providers: Able, **settings: object) -> SourceCheck:
    return check_source(
        providers,
        "billie",
        pool=home.store.pool,
        counts=RequestCounts(home.store.pool, Settings(**settings)),  # pyright: ignore[reportArgumentType]
    )


def test_who_cannot_serve_is_passed_over(home: Home):
    first, second = Able("display", can=()), Able("web", PROFILE, VIDEOS, can=BOTH)

    found = checked(home, first, second)

    assert (found.provider, found.worked, first.calls) == ("web", True, [])
    assert [(step.what, step.understood) for step in found.steps] == [
        ("display: passed over", "No creator_profiles of it."),
        ("Profile of @billie", "a profile with 7 followers"),
        ("Videos of @billie", "1 video"),
    ]


def test_who_fails_is_the_one_that_was_checked(home: Home):
    second = Able("paid", can=BOTH)

    found = checked(home, Able("web", Blocked("A captcha."), can=BOTH), second)

    assert (found.provider, found.outcome, second.calls) == ("web", "blocked", [])


def test_what_it_may_not_read_is_not_asked_for(home: Home):
    # TikTok's answer to that would end the creator's connection.
    partly = Able("display", PROFILE, can=("creator_profiles",))

    found = checked(home, partly)

    assert partly.calls == [("creator_profiles", "billie")]
    assert found.worked
    assert found.steps[1].understood == "No discover_videos of it."


def test_if_none_can_serve_the_verdict_says_why_of_each(home: Home):
    found = checked(
        home, Able("display", can=()), Able("web", can=BOTH), web_daily_budget=0
    )

    assert (found.worked, found.outcome) == (False, "rate_limited")
    assert found.verdict == (
        "It was not asked: display: No creator_profiles of it. "
        "web: Its daily budget of 0 requests is used up until midnight (UTC)."
    )
