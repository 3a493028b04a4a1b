"""Runs: from a request in the log, through a worker and real HTTP, back to the log."""

from uuid import UUID

import msgspec
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.verdicts import Ok
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.settings import Settings
from projections.engine.follower import Follower
from tests.kit.builders import NOON, Home, asking, log_of
from tests.kit.commands import request_scrape
from tests.kit.jobs import all_done, job_of, working
from tests.kit.patience import PATIENTLY
from tests.workers.sources.providers.web.server import TikTok
from tests.workers.sources.providers.web.shapes import (
    CAPTCHA_PAGE,
    HANDLE,
    NOW,
    SEC_UID,
    USER_ID,
    a_detail,
    a_photo,
    a_user,
    an_item,
    counting,
    html,
    list_page,
    nobody_page,
    profile_page,
)
from workers.dispatcher import Dispatcher, followed_projections
from workers.main import choose_providers
from workers.scraping.scrape import ScrapeDependencies
from workers.sources.chain import Chain
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"


class Population:
    """A home whose dispatcher and worker the test drives."""

    def __init__(self, home: Home, broker: RedisBroker, database_url: str) -> None:
        self.home = home
        self.broker = broker
        self._dispatcher = Dispatcher(home.store, broker, url=database_url)
        self._followers = [
            Follower(projection, pool=home.store.pool, codec=home.store.codec)
            for projection in followed_projections()
        ]
        for follower in self._followers:
            follower.register()

    def round(self) -> None:
        for follower in self._followers:
            follower.catch_up()
        self._dispatcher.round()

    def ask(self, creator_id: UUID, job_type: e.JobType) -> UUID:
        requested = request_scrape(
            self.home.store,
            creator_id,
            job_type=job_type,
            organization_id=self.home.organization_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        )
        return requested.result.scrape_id

    def events(self, scrape_id: UUID) -> list[e.Event]:
        recorded_event = self.home.store.load(scrape_id)[scrape_id]
        return [recorded.event for recorded in recorded_event][1:]


@pytest.fixture
def population(home: Home, broker: RedisBroker, database_url: str) -> Population:
    return Population(home, broker, database_url)


def test_what_tiktok_shows_stands_in_the_log(
    population: Population, tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = profile_page(a_detail())
    tiktok.answers[LIST] = list_page([an_item("71"), a_photo("72")], more=False)
    nanny = population.home.creator(HANDLE)
    run = population.ask(nanny, "discover_videos")

    population.round()
    with working(
        population.broker,
        ScrapeDependencies(store=population.home.store, chain=Chain(provider)),
    ):
        assert wait_until(lambda: all_done(population.home.store), seconds=PATIENTLY)

    profile, videos, end = population.events(run)
    assert isinstance(profile, e.ProfileSnapshotRecorded)
    assert (profile.creator_id, profile.provider) == (nanny, "web")
    assert (profile.user_id, profile.sec_uid) == (USER_ID, SEC_UID)
    assert (profile.follower_count, profile.precision) == (4_001_943, "exact")
    assert profile.observed_at == NOW
    assert isinstance(videos, e.VideoStatsSnapshotRecorded)
    pseudonym = population.home.store.names.pseudonym
    assert videos.video_ids == (pseudonym("71"), pseudonym("72"))
    assert videos.tiktok_video_ids == ("71", "72")
    assert videos.view_counts == (14_200_113, 14_200_113)
    assert videos.kinds == ("video", "photo")
    assert isinstance(end, e.ScrapeSucceeded)
    assert (end.pages, end.videos_observed, end.profile_observed) == (2, 2, True)


def test_a_counter_that_the_page_lacks_is_null_in_the_log(
    population: Population, tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = profile_page(counting(followerCount="7", videoCount=""))
    tiktok.answers[LIST] = list_page([], more=False)
    population.home.creator(HANDLE)

    population.round()
    with working(
        population.broker,
        ScrapeDependencies(store=population.home.store, chain=Chain(provider)),
    ):
        assert wait_until(lambda: bool(snapshots(population)), seconds=PATIENTLY)

    (logged, *_) = snapshots(population)
    assert logged["follower_count"] == 7
    # Nulls are not written out.
    assert {"following_count", "total_likes_count", "video_count"}.isdisjoint(logged)


def test_a_handle_with_another_owner_leaves_one_failure_and_no_snapshot(
    population: Population, tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = profile_page(a_detail())
    tiktok.answers[LIST] = list_page([an_item("71")], more=False)
    nanny = population.home.creator(HANDLE)
    population.round()
    at = ScrapeDependencies(store=population.home.store, chain=Chain(provider))
    with working(population.broker, at):
        assert wait_until(lambda: all_done(population.home.store), seconds=PATIENTLY)
        population.round()  # which pins the account
        tiktok.answers[PAGE] = profile_page(a_detail(user=a_user(id="6999")))
        runs = [
            population.ask(nanny, job_type)
            for job_type in ("creator_profiles", "discover_videos", "video_stats")
        ]
        population.round()
        assert wait_until(lambda: all_done(population.home.store), seconds=PATIENTLY)

    for run in runs:
        (end,) = population.events(run)
        assert isinstance(end, e.ScrapeFailed)
        assert (end.outcome, end.attempts) == ("identity_changed", 1)
        assert f"(id 6999, known {USER_ID})" in end.error


@pytest.mark.parametrize("found", (True, False))
def test_a_wrong_base_address_disables_nobody(
    population: Population, tiktok: TikTok, provider: WebProvider, *, found: bool
):
    # TikTok's own word is believed, which comes with status 200.
    elsewhere = html(b"<html><title>Not Found</title></html>", status=404)
    tiktok.answers[PAGE] = nobody_page(10221) if found else elsewhere
    nanny = population.home.creator(HANDLE)
    runs = [population.ask(nanny, "creator_profiles") for _ in range(3)]
    population.round()

    with working(
        population.broker,
        ScrapeDependencies(store=population.home.store, chain=Chain(provider)),
    ):
        assert wait_until(
            lambda: all(job_of(population.home.store, run)["outcome"] for run in runs),
            seconds=PATIENTLY,
        )
    population.round()

    outcomes = {job_of(population.home.store, run)["outcome"] for run in runs}
    assert outcomes == {"not_found" if found else "schema_changed"}
    expected = "disabled" if found else "active"
    assert population.home.look_at(nanny).status == expected


def test_the_chosen_provider_looks_where_the_settings_say_and_is_polite_with_others(
    store: Store, tiktok: TikTok, redis_url: str
):
    tiktok.answers["/at/home" + PAGE] = profile_page(a_detail())
    settings = Settings(
        providers=("web",), web_base_url=f"{tiktok.url}/at/home/", redis_url=redis_url
    )

    verdict = choose_providers(settings, store.pool)[0].creator_profiles(
        Target(handle=HANDLE)
    )

    assert isinstance(verdict, Ok)
    host = tiktok.url.removeprefix("http://")
    with redis.Redis.from_url(redis_url) as server:
        assert server.keys("goatherd:politeness:*") == [
            f"goatherd:politeness:{{{host}}}:free_at".encode()
        ]


def test_a_captcha_is_waited_out_and_leaves_nothing(
    population: Population, tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = CAPTCHA_PAGE
    run = population.ask(population.home.creator(HANDLE), "creator_profiles")
    population.round()

    with working(
        population.broker,
        ScrapeDependencies(store=population.home.store, chain=Chain(provider)),
    ):
        assert wait_until(
            lambda: job_of(population.home.store, run)["outcome"] is not None,
            seconds=PATIENTLY,
        )

    job = job_of(population.home.store, run)
    assert (job["state"], job["outcome"], job["attempts"]) == ("ready", "blocked", 1)
    assert population.events(run) == []


def snapshots(population: Population) -> list[dict[str, object]]:
    recorded = log_of(population.home.store, e.ProfileSnapshotRecorded)
    return [msgspec.to_builtins(each.event) for each in recorded]
