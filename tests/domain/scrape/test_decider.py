from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import CorruptHistoryError, NotFoundError
from domain.scrape.decider import (
    MAX_VIDEOS_PER_SNAPSHOT,
    ScrapeState,
    columns_of,
    decide,
    evolve,
    named,
)
from domain.streams import Names
from tests.kit.builders import ADA, NAMES, NOON, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

SHA = "5f" * 32

REQUEST = c.RequestScrape(
    organization_id=ORGANIZATION,
    project_id=PROJECT,
    creator_id=ADA,
    handle="ada",
    job_type="creator_profiles",
    trigger="manual",
)
REQUESTED = e.ScrapeRequested(
    organization_id=ORGANIZATION,
    project_id=PROJECT,
    creator_id=ADA,
    handle="ada",
    job_type="creator_profiles",
    trigger="manual",
)
RESULT = c.RecordResult(
    provider="replay",
    observed_at=NOON,
    attempts=2,
    duration_ms=340,
    profile=c.ProfileSnapshot(
        precision="rounded",
        user_id="7001",
        sec_uid="MS4w",
        display_name="Ada",
        avatar_url="https://example.com/ada.jpg",
        follower_count=0,
        following_count=None,
        total_likes_count=9_000_000_000,
        video_count=12,
    ),
    pages=1,
    payload_sha256=SHA,
)
PROFILE_SEEN = e.ProfileSnapshotRecorded(
    organization_id=ORGANIZATION,
    creator_id=ADA,
    observed_at=NOON,
    provider="replay",
    precision="rounded",
    user_id="7001",
    sec_uid="MS4w",
    display_name="Ada",
    avatar_url="https://example.com/ada.jpg",
    follower_count=0,
    following_count=None,
    total_likes_count=9_000_000_000,
    video_count=12,
)
SUCCEEDED = e.ScrapeSucceeded(
    organization_id=ORGANIZATION,
    creator_id=ADA,
    job_type="creator_profiles",
    provider="replay",
    attempts=2,
    observed_at=NOON,
    duration_ms=340,
    profile_observed=True,
    videos_observed=0,
    pages=1,
    payload_sha256=SHA,
)
FAILURE = c.RecordFailure(
    provider="replay", attempts=5, error="no such account", outcome="not_found"
)
FAILED = e.ScrapeFailed(
    organization_id=ORGANIZATION,
    creator_id=ADA,
    job_type="creator_profiles",
    provider="replay",
    attempts=5,
    error="no such account",
    outcome="not_found",
)


@pytest.fixture
def scenario() -> Scenario[ScrapeState | None, c.ScrapeCommand, e.ScrapeEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_run_is_requested(scenario: Scenario):
    scenario.given().when(REQUEST).then(REQUESTED)


@pytest.mark.parametrize("history", ((REQUESTED,), (REQUESTED, FAILED)))
def test_a_run_is_requested_once(
    scenario: Scenario, history: tuple[e.ScrapeEvent, ...]
):
    scenario.given(*history).when(REQUEST).then_nothing()


def test_a_run_that_saw_a_profile_says_so_and_succeeds(scenario: Scenario):
    scenario.given(REQUESTED).when(RESULT).then(
        PROFILE_SEEN, replace(SUCCEEDED, precision="rounded")
    )


def test_a_run_may_succeed_without_having_seen_anything(scenario: Scenario):
    scenario.given(REQUESTED).when(replace(RESULT, profile=None)).then(
        replace(SUCCEEDED, profile_observed=False)
    )


def under(
    names: Names, *videos: c.VideoSnapshot, known: Sequence[str] = ()
) -> c.NamedVideos:
    """The videos as a run records them."""
    columns = columns_of(videos)
    is_known = [video.tiktok_video_id in known for video in videos]
    return named(columns, names, is_known=is_known)


def test_a_run_through_a_list_records_every_video_as_it_was_seen(scenario: Scenario):
    posted = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    requested = replace(REQUESTED, job_type="discover_videos")
    videos = under(
        Names(),
        c.VideoSnapshot(
            tiktok_video_id="71",
            kind="photo",
            title="Goats",
            posted_at=posted,
            view_count=5,
            like_count=4,
            comment_count=3,
            share_count=2,
            save_count=1,
        ),
        c.VideoSnapshot(tiktok_video_id="72", view_count=0),
    )

    scenario.given(requested).when(replace(RESULT, profile=None, videos=videos)).then(
        e.VideoStatsSnapshotRecorded(
            organization_id=ORGANIZATION,
            project_id=PROJECT,
            creator_id=ADA,
            observed_at=NOON,
            provider="replay",
            video_ids=("71", "72"),
            view_counts=(5, 0),
            like_counts=(4, None),
            comment_counts=(3, None),
            share_counts=(2, None),
            save_counts=(1, None),
            kinds=("photo", None),
            titles=("Goats", None),
            posted_at=(posted, None),
        ),
        replace(
            SUCCEEDED,
            job_type="discover_videos",
            profile_observed=False,
            videos_observed=2,
            listed="complete",
        ),
    )


def test_a_run_of_videos_that_are_known_records_no_titles(scenario: Scenario):
    requested = replace(REQUESTED, job_type="video_stats")
    video = c.VideoSnapshot(tiktok_video_id="71", view_count=5)

    result = replace(RESULT, profile=None, videos=under(Names(), video))
    scenario.given(requested).when(result).then(
        e.VideoStatsSnapshotRecorded(
            organization_id=ORGANIZATION,
            project_id=PROJECT,
            creator_id=ADA,
            observed_at=NOON,
            provider="replay",
            video_ids=("71",),
            view_counts=(5,),
            like_counts=(None,),
            comment_counts=(None,),
            share_counts=(None,),
            save_counts=(None,),
        ),
        replace(
            SUCCEEDED, job_type="video_stats", profile_observed=False, videos_observed=1
        ),
    )


def test_a_run_names_videos_by_pseudonyms_and_keeps_the_ids_of_unknown_ones():
    videos = [c.VideoSnapshot(tiktok_video_id=i, view_count=5) for i in ("71", "72")]
    names = (NAMES.pseudonym("71"), NAMES.pseudonym("72"))

    def recorded(*known: str) -> e.VideoStatsSnapshotRecorded:
        result = replace(RESULT, videos=under(NAMES, *videos, known=known))
        snapshot = decide(evolve(None, REQUESTED), result)[1]
        assert isinstance(snapshot, e.VideoStatsSnapshotRecorded)
        return snapshot

    fresh, one_known, both_known = recorded(), recorded("71"), recorded("71", "72")

    assert {s.video_ids for s in (fresh, one_known, both_known)} == {names}
    assert fresh.tiktok_video_ids == ("71", "72")
    assert one_known.tiktok_video_ids == (None, "72")
    assert both_known.tiktok_video_ids == ()
    assert list(both_known.tiktok_ids()) == [None, None]


@pytest.mark.parametrize(
    ("amount", "sizes"),
    (
        (MAX_VIDEOS_PER_SNAPSHOT, [500]),
        (MAX_VIDEOS_PER_SNAPSHOT + 1, [500, 1]),
        (2 * MAX_VIDEOS_PER_SNAPSHOT + 7, [500, 500, 7]),
    ),
)
def test_many_videos_are_recorded_500_at_a_time(amount: int, sizes: list[int]):
    ids = [str(number) for number in range(amount)]
    videos = under(
        Names(), *(c.VideoSnapshot(tiktok_video_id=i, view_count=int(i)) for i in ids)
    )

    *snapshots, succeeded = decide(
        evolve(None, REQUESTED), replace(RESULT, profile=None, videos=videos)
    )

    assert isinstance(succeeded, e.ScrapeSucceeded)
    assert succeeded.videos_observed == amount
    seen = [
        event for event in snapshots if isinstance(event, e.VideoStatsSnapshotRecorded)
    ]
    assert [len(event.video_ids) for event in seen] == sizes
    assert [video for event in seen for video in event.video_ids] == ids
    assert [count for event in seen for count in event.view_counts] == [*range(amount)]


def test_a_run_that_was_given_up_says_why(scenario: Scenario):
    scenario.given(REQUESTED).when(FAILURE).then(FAILED)


def test_a_run_given_up_before_anybody_was_asked_has_no_outcome(scenario: Scenario):
    scenario.given(REQUESTED).when(replace(FAILURE, outcome=None)).then(
        replace(FAILED, outcome=None)
    )


@pytest.mark.parametrize("command", (RESULT, FAILURE))
@pytest.mark.parametrize("end", ((PROFILE_SEEN, SUCCEEDED), (FAILED,)))
def test_a_run_ends_once(
    scenario: Scenario, end: tuple[e.ScrapeEvent, ...], command: c.ScrapeCommand
):
    scenario.given(REQUESTED, *end).when(command).then_nothing()


@pytest.mark.parametrize("command", (RESULT, FAILURE))
def test_a_run_that_nobody_requested_has_no_end(
    scenario: Scenario, command: c.ScrapeCommand
):
    scenario.given().when(command).then_refused(NotFoundError, kind="scrape")


def test_a_history_that_does_not_begin_with_a_request_is_corrupt():
    with pytest.raises(CorruptHistoryError, match="scrape_requested"):
        evolve(None, SUCCEEDED)
