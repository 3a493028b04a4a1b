from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from dramatiq import Broker
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from domain import commands as c
from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    NotInRecording,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
    Verdict,
    outcome_of,
)
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.keys.keyring import destroy
from projections.creators.projection import CreatorList
from tests.kit.builders import NOON, Home, asking, log_of
from tests.kit.commands import (
    change_creator,
    end_scrape,
    remove_creator,
    request_scrape,
)
from tests.kit.expected import rows_of
from tests.kit.jobs import (
    Scripted,
    derive_jobs,
    ends_of,
    job_of,
    jobs_in,
    let_time_pass,
    messages,
    working,
)
from tests.kit.patience import PATIENTLY
from tests.projections.analytics.ledger import dead_letters, registered
from workers.broker import enqueue_scrapes
from workers.scraping import jobs, retry_policy
from workers.scraping.scrape import ScrapeDependencies, scrape_creator, storable
from workers.sources.chain import Chain
from workers.sources.port import (
    Provider,
    Target,
)

SEEN_AT = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
SEEN = Ok(
    observed_at=SEEN_AT,
    profile=ProfileObservation(
        user_id="6",
        sec_uid="MS4",
        display_name="Billie",
        avatar_url="https://example.com/b.webp",
        follower_count=2**40,
        following_count=0,
        total_likes_count=-1,
        video_count=None,
        precision="exact",
    ),
    videos=(
        VideoObservation(
            tiktok_video_id="71", title="Hay", kind="video", view_count=10
        ),
        VideoObservation(tiktok_video_id="72", posted_at=SEEN_AT, save_count=0),
    ),
    pages=3,
    payload_sha256="ab" * 32,
)
ENDING = (
    NotFound("No such account."),
    Private("It is private."),
    Unavailable("Gone."),
    NotInRecording("The recording holds nothing of it."),
)
WAITING = (
    Blocked("A captcha."),
    RateLimited(600, "Too many questions."),
    Transient("An empty body."),
    SchemaChanged("No stats in it."),
)


def kind(verdict: Verdict) -> str:
    return type(verdict).__name__


def run_of(home: Home, handle: str = "billie") -> UUID:
    """Add a creator, and return the run that is to look at its profile."""
    creator_id = home.creator(handle)
    derive_jobs(home.store)
    (scrape_id,) = (
        job["scrape_id"]
        for job in jobs_in(home.store)
        if (job["creator_id"], job["job_type"]) == (creator_id, "creator_profiles")
    )
    return scrape_id


def creator_of(home: Home, scrape_id: UUID) -> UUID:
    return job_of(home.store, scrape_id)["creator_id"]


def dependencies(store: Store, provider: Provider) -> ScrapeDependencies:
    return ScrapeDependencies(store=store, chain=Chain(provider))


def events_of(store: Store, scrape_id: UUID) -> list[e.Event]:
    return [recorded.event for recorded in store.load(scrape_id)[scrape_id]]


def until_handled(
    broker: Broker,
    redis_url: str,
    at: ScrapeDependencies,
    *scrape_ids: UUID,
    threads: int = 2,
) -> None:
    """Ring for the runs, and let a worker work until the queue is empty."""
    enqueue_scrapes(broker, scrape_ids)
    with working(broker, at, threads=threads):
        assert wait_until(lambda: messages(redis_url) == [], seconds=PATIENTLY)


def test_what_was_seen_becomes_one_result(home: Home, broker: Broker, redis_url: str):
    run, provider = run_of(home), Scripted(SEEN)
    creator_id = creator_of(home, run)

    until_handled(broker, redis_url, dependencies(home.store, provider), run)

    of_the_creator: dict[str, Any] = {
        "organization_id": home.organization_id,
        "creator_id": creator_id,
        "provider": "scripted",
        "observed_at": SEEN_AT,
    }
    _, profile, videos, end = home.store.load(run)[run]
    assert profile.event == e.ProfileSnapshotRecorded(
        user_id="6",
        sec_uid="MS4",
        display_name="Billie",
        avatar_url="https://example.com/b.webp",
        follower_count=2**40,
        following_count=0,
        total_likes_count=-1,
        video_count=None,
        precision="exact",
        **of_the_creator,
    )
    assert videos.event == e.VideoStatsSnapshotRecorded(
        video_ids=tuple(map(home.store.names.pseudonym, ("71", "72"))),
        has_pseudonyms=True,
        tiktok_video_ids=("71", "72"),
        view_counts=(10, None),
        like_counts=(None, None),
        comment_counts=(None, None),
        share_counts=(None, None),
        save_counts=(None, 0),
        kinds=("video", None),
        titles=("Hay", None),
        posted_at=(None, SEEN_AT),
        project_id=home.project_id,
        **of_the_creator,
    )
    assert isinstance(end.event, e.ScrapeSucceeded)
    assert (end.event.attempts, end.event.pages, end.event.videos_observed) == (1, 3, 2)
    assert 0 <= end.event.duration_ms < PATIENTLY * 1_000
    assert (end.actor, end.correlation_id) == ("worker:scripted", run)
    job = job_of(home.store, run)
    assert (job["state"], job["outcome"], job["error"]) == ("done", "ok", None)
    assert provider.calls == [("creator_profiles", "billie")]


def test_the_same_message_ten_times_is_one_result(
    home: Home, broker: Broker, redis_url: str
):
    run, provider = run_of(home), Scripted(SEEN)
    at = dependencies(home.store, provider)

    until_handled(broker, redis_url, at, *[run] * 10, threads=4)
    scrape_creator(at, run)

    assert len(provider.calls) == 1
    assert len(events_of(home.store, run)) == 4


@pytest.mark.parametrize("verdict", ENDING, ids=kind)
def test_a_verdict_on_the_account_ends_the_run(
    home: Home, broker: Broker, redis_url: str, verdict: NotFound | Private
):
    run = run_of(home)

    until_handled(broker, redis_url, dependencies(home.store, Scripted(verdict)), run)

    assert events_of(home.store, run)[1:] == [
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=creator_of(home, run),
            job_type="creator_profiles",
            provider="scripted",
            attempts=1,
            error=verdict.detail,
            outcome=outcome_of(verdict),
        )
    ]
    job = job_of(home.store, run)
    assert (job["state"], job["outcome"]) == ("done", outcome_of(verdict))
    assert job["error"] == verdict.detail


@pytest.mark.parametrize("verdict", WAITING, ids=kind)
def test_when_nothing_was_learned_the_run_waits_and_says_why(
    home: Home, broker: Broker, redis_url: str, verdict: Blocked | RateLimited
):
    run = run_of(home)

    until_handled(broker, redis_url, dependencies(home.store, Scripted(verdict)), run)

    job = job_of(home.store, run)
    assert (job["state"], job["attempts"]) == ("ready", 1)
    assert (job["outcome"], job["error"]) == (outcome_of(verdict), verdict.detail)
    longest = retry_policy.RETRIES[outcome_of(verdict)].first
    least, most = (590, 600) if isinstance(verdict, RateLimited) else (0, longest)
    assert least < job["due_in"] <= most
    assert len(events_of(home.store, run)) == 1


@pytest.mark.parametrize("verdict", WAITING, ids=kind)
def test_after_the_last_attempt_the_run_is_given_up_with_its_verdict(
    home: Home, verdict: Blocked | RateLimited
):
    run, provider = run_of(home), Scripted(*[Transient("Before.")] * 4, verdict)
    at = dependencies(home.store, provider)

    for _ in range(retry_policy.MAX_ATTEMPTS + 2):
        scrape_creator(at, run)
        let_time_pass(home.store)

    assert len(provider.calls) == retry_policy.MAX_ATTEMPTS
    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.error) == (outcome_of(verdict), verdict.detail)
    assert end.attempts == retry_policy.MAX_ATTEMPTS
    assert job_of(home.store, run)["state"] == "done"


def test_a_run_that_works_at_last_tells_how_often_it_was_tried(home: Home):
    run, provider = run_of(home), Scripted(Blocked("No."), Transient("No."), SEEN)

    for _ in range(3):
        scrape_creator(dependencies(home.store, provider), run)
        let_time_pass(home.store)

    *_, end = events_of(home.store, run)
    assert isinstance(end, e.ScrapeSucceeded)
    assert end.attempts == 3
    job = job_of(home.store, run)
    assert (job["outcome"], job["error"]) == ("ok", None)


def test_a_message_that_comes_before_its_time_does_nothing(
    home: Home, broker: Broker, redis_url: str
):
    run, provider = run_of(home), Scripted(Blocked("A captcha."))
    at = dependencies(home.store, provider)

    until_handled(broker, redis_url, at, run, run)

    assert len(provider.calls) == 1
    assert job_of(home.store, run)["attempts"] == 1


def test_a_provider_that_breaks_is_tried_again_and_its_words_are_not_kept(
    home: Home, broker: Broker, redis_url: str
):
    run = run_of(home)
    provider = Scripted(ValueError("GET /?msToken=hunter2"), SEEN)
    at = dependencies(home.store, provider)

    with capture_logs() as lines:
        until_handled(broker, redis_url, at, run)
    broken = job_of(home.store, run)
    let_time_pass(home.store)
    scrape_creator(at, run)

    assert (broken["state"], broken["attempts"]) == ("ready", 1)
    assert (broken["outcome"], broken["error"]) == ("transient", "ValueError")
    assert 0 < broken["due_in"] <= 10
    assert isinstance(events_of(home.store, run)[-1], e.ScrapeSucceeded)
    (line,) = lines
    assert (line["event"], line["error"]) == ("provider_raised", "ValueError")
    assert "raise answer" in line["place"]
    assert "hunter2" not in str(line)


def test_a_provider_that_always_breaks_is_given_up(home: Home):
    run, at = run_of(home), dependencies(home.store, Scripted(KeyError("stats")))

    for _ in range(retry_policy.MAX_ATTEMPTS):
        scrape_creator(at, run)
        let_time_pass(home.store)

    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.error) == ("transient", "KeyError")


def test_attempts_that_died_count_and_the_run_is_given_up_unasked(home: Home):
    run, provider = run_of(home), Scripted(SEEN)
    for _ in range(retry_policy.MAX_ATTEMPTS):
        assert jobs.lease(home.store.pool, run)
        let_time_pass(home.store)

    scrape_creator(dependencies(home.store, provider), run)

    assert provider.calls == []
    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert end.outcome is None
    assert (end.error, end.attempts) == ("Attempt 5 died without an answer.", 5)
    job = job_of(home.store, run)
    assert (job["state"], job["error"]) == ("quarantined", end.error)
    let_time_pass(home.store)
    assert jobs.lease(home.store.pool, run) is None


def test_a_creator_that_was_removed_before_the_run_is_not_looked_at(home: Home):
    run, provider = run_of(home), Scripted(SEEN)
    remove_creator(
        home.store,
        creator_of(home, run),
        organization_id=home.organization_id,
        context=asking(),
    )

    scrape_creator(dependencies(home.store, provider), run)

    assert provider.calls == []
    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.error) == (
        None,
        "The creator was removed before the run.",
    )
    assert job_of(home.store, run)["state"] == "done"


def test_of_a_creator_that_a_person_disabled_only_later_runs_are_carried_out(
    home: Home,
):
    run, provider = run_of(home), Scripted(SEEN)
    creator_id = creator_of(home, run)
    home.disable_by_hand(creator_id)

    scrape_creator(dependencies(home.store, provider), run)
    calls_before = len(provider.calls)
    later = request_scrape(
        home.store,
        creator_id,
        job_type="creator_profiles",
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=asking(),
    ).result
    derive_jobs(home.store)
    scrape_creator(dependencies(home.store, provider), later.scrape_id)

    assert (calls_before, len(provider.calls)) == (0, 1)
    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.error) == (
        None,
        "The creator was disabled before the run.",
    )
    assert job_of(home.store, run)["state"] == "done"


def test_a_run_is_carried_out_if_its_creator_was_enabled_meanwhile(home: Home):
    run, provider = run_of(home), Scripted(SEEN)
    home.disable_by_hand(creator_of(home, run))
    home.reenable(creator_of(home, run))

    scrape_creator(dependencies(home.store, provider), run)

    assert len(provider.calls) == 1


def test_a_renamed_creator_is_looked_at_under_its_present_handle(home: Home):
    run, provider = run_of(home, "billie"), Scripted(SEEN)
    change_creator(
        home.store,
        creator_of(home, run),
        [c.RenameHandle(handle="william")],
        organization_id=home.organization_id,
        context=asking(),
    )

    scrape_creator(dependencies(home.store, provider), run)

    assert provider.calls == [("creator_profiles", "william")]


@pytest.mark.parametrize(
    "job_type", ("creator_profiles", "discover_videos", "video_stats")
)
def test_each_kind_of_run_asks_its_own_question(home: Home, job_type: e.JobType):
    provider = Scripted(SEEN)
    requested = request_scrape(
        home.store,
        home.creator("billie"),
        job_type=job_type,
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=asking(),
    )
    derive_jobs(home.store)

    scrape_creator(dependencies(home.store, provider), requested.result.scrape_id)

    assert provider.calls == [(job_type, "billie")]
    *_, videos, end = events_of(home.store, requested.result.scrape_id)
    assert isinstance(end, e.ScrapeSucceeded)
    assert isinstance(videos, e.VideoStatsSnapshotRecorded)
    assert videos.titles == ("Hay", None)


def test_an_unknown_run_is_nobodys_business(home: Home):
    provider = Scripted(SEEN)

    scrape_creator(dependencies(home.store, provider), UUID(int=0xDEAD))

    assert provider.calls == []


class Slow(Scripted):
    """A provider that runs a hook while it reads."""

    def __init__(self, *answers: Verdict, meanwhile: Callable[[], None]) -> None:
        super().__init__(*answers)
        self._meanwhile = meanwhile

    def creator_profiles(self, target: Target) -> Verdict:
        self._meanwhile()
        return super().creator_profiles(target)


@pytest.mark.parametrize(
    "late_answer", (SEEN, Private("Late."), Blocked("Late.")), ids=kind
)
def test_what_a_worker_says_after_its_lease_went_on_is_void(
    home: Home, late_answer: Verdict
):
    run = run_of(home)
    other = dependencies(home.store, Scripted(Unavailable("Gone.")))

    def another_takes_over() -> None:
        let_time_pass(home.store)
        scrape_creator(other, run)

    late = Slow(late_answer, meanwhile=another_takes_over)
    scrape_creator(dependencies(home.store, late), run)

    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.error, end.attempts) == ("Gone.", 2)
    job = job_of(home.store, run)
    assert (job["state"], job["outcome"]) == ("done", "unavailable")


def test_a_run_that_had_ended_already_only_closes_its_job(home: Home):
    run = run_of(home)
    ended = c.RecordFailure(provider="other", attempts=1, error="Earlier.")
    end_scrape(home.store, run, ended, context=asking())

    scrape_creator(dependencies(home.store, Scripted(SEEN)), run)

    (end,) = events_of(home.store, run)[1:]
    assert isinstance(end, e.ScrapeFailed)
    assert end.error == "Earlier."
    assert job_of(home.store, run)["state"] == "done"


def test_more_videos_than_one_snapshot_holds_are_still_one_append(home: Home):
    run = run_of(home)
    many = tuple(
        VideoObservation(tiktok_video_id=str(n), view_count=n) for n in range(1_001)
    )

    scrape_creator(
        dependencies(home.store, Scripted(Ok(observed_at=SEEN_AT, videos=many))), run
    )

    _, *snapshots, end = home.store.load(run)[run]
    assert [len(recorded.event.video_ids) for recorded in snapshots] == [500, 500, 1]  # pyright: ignore[reportAttributeAccessIssue]
    assert {recorded.recorded_at for recorded in snapshots} == {end.recorded_at}


def test_texts_that_postgresql_refuses_lose_only_what_it_refuses(home: Home):
    run = run_of(home)
    profile = ProfileObservation(
        display_name="Bi\0llie \ud83d\udc10\ud83d", avatar_url="a\0"
    )
    video = VideoObservation(tiktok_video_id="7\0", title="\0Hay\udc10")
    seen = Ok(observed_at=SEEN_AT, profile=profile, videos=(video,))

    scrape_creator(dependencies(home.store, Scripted(seen)), run)
    registered(home.store, CreatorList()).catch_up()

    with home.store.pool.connection() as connection:
        (row,) = rows_of(connection, "creator_list")
    assert row["scraped_display_name"] == "Billie \U0001f410\ufffd"
    assert row["avatar_url"] == "a"
    assert dead_letters(home.store) == []
    logged = [recorded.event for recorded in log_of(home.store)]
    (videos,) = (
        event for event in logged if isinstance(event, e.VideoStatsSnapshotRecorded)
    )
    assert videos.tiktok_video_ids == ("7",)
    assert "\\x00" not in repr(logged)


def test_titles_of_a_list_lose_only_what_postgresql_refuses(home: Home):
    home.add("billie")
    derive_jobs(home.store)
    video = VideoObservation(tiktok_video_id="7", title="\0Hay\udc10")
    seen = Ok(observed_at=SEEN_AT, videos=(video,))

    for job in jobs_in(home.store):
        scrape_creator(dependencies(home.store, Scripted(seen)), job["scrape_id"])

    runs = [job["scrape_id"] for job in jobs_in(home.store)]
    titles = [
        recorded.event.titles
        for history in home.store.load(*runs).values()
        for recorded in history
        if isinstance(recorded.event, e.VideoStatsSnapshotRecorded)
    ]
    assert titles == [("Hay\ufffd",)] * 2


@pytest.mark.parametrize("verdict", (Blocked("A \0 \ud800"), Private("A \0 \ud800")))
def test_a_reason_that_postgresql_refuses_is_given_as_far_as_it_can_be(
    home: Home, verdict: Blocked | Private
):
    run = run_of(home)

    scrape_creator(dependencies(home.store, Scripted(verdict)), run)

    job = job_of(home.store, run)
    assert (job["outcome"], job["error"]) == (outcome_of(verdict), "A  \ufffd")
    for end in ends_of(home.store, [run])[run]:
        assert isinstance(end, e.ScrapeFailed)
        assert end.error == "A  \ufffd"


@given(text=st.text())
@example("\ufeffmarked")
@example("\U0001f410")
def test_whole_texts_stay_as_they_are(text: str):
    kept = storable(text)

    assert kept == text.replace("\0", "")


# erasures


class ErasedMeanwhile(Provider):
    """A provider whose answer comes when the creator's key is destroyed."""

    name = "web"

    def __init__(self, home: Home, creator_id: UUID, verdict: Verdict) -> None:
        self._home = home
        self._creator_id = creator_id
        self._verdict = verdict

    def creator_profiles(self, target: Target) -> Verdict:
        assert target.handle == "billie"
        pool = self._home.store.pool
        with pool.connection() as connection, connection.transaction():
            destroy(connection.cursor(), [self._creator_id])
        return self._verdict

    discover_videos = video_stats = creator_profiles


@pytest.mark.parametrize("verdict", (SEEN, NotFound("No such account: @billie.")))
def test_a_run_whose_creator_was_erased_meanwhile_ends_and_stores_nothing(
    home: Home, verdict: Verdict
):
    scrape_id = run_of(home)
    provider = ErasedMeanwhile(home, creator_of(home, scrape_id), verdict)
    head = home.store.head()

    scrape_creator(dependencies(home.store, provider), scrape_id)

    assert home.store.head() == head
    job = job_of(home.store, scrape_id)
    assert (job["state"], job["outcome"], job["error"]) == ("done", None, None)
