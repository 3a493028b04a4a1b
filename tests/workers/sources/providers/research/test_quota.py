"""The day's quota: all workers together stay within it, with Redis and without."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast, get_args
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from domain.scrape.verdicts import (
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.embedded import EmbeddedValkey
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline
from tests.kit.depth import part_of
from tests.kit.patience import PATIENTLY
from tests.workers.sources.providers.research.building import (
    BILLIE,
    NOON,
    Researcher,
    days_ago,
)
from tests.workers.sources.providers.research.server import (
    USER_PATH,
    VIDEO_PATH,
    ResearchServer,
    internal_error,
    quota_spent,
    refuse,
)
from workers.sources.providers.research import open_research
from workers.sources.providers.research.quota import A_DAY, Amount, DailyQuota

TO_MIDNIGHT = 12 * 3_600.0
AWAY = "redis://127.0.0.1:1/0"


Fault = Literal["none", "away", "answer lost"]


class Day:
    """A clock that tests set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=10, socket_connect_timeout=10, retry=Retry(NoBackoff(), 0)
    )


@pytest.fixture
def valkey(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as valkey:
        yield valkey


@pytest.fixture
def own_valkey(data_dir: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir)
    yield server
    server.stop()


@pytest.fixture
def back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was away is asked again with the next request."""
    monkeypatch.setattr("infra.http_out.shared_server.AWAY_SECONDS", 0.0)


def quota_of(
    server: redis.Redis | None,
    limit: int = 100,
    *,
    records: int = 100_000,
    owner: str = "key",
    now: Callable[[], datetime] = lambda: NOON,
    processes: int = 1,
) -> DailyQuota:
    amount = Amount(limit, records)
    return DailyQuota(server, owner=owner, now=now, limit=amount, processes=processes)


def takes(quota: DailyQuota, most: int = 10_000, *, records: int = 1) -> int:
    """Take until there is no more, or so many; return how many there were."""
    for number in range(most):
        try:
            quota.take(records=records)
        except RefusedError:
            return number
    return most


# Counting


def test_tiktok_gives_a_thousand_requests_and_a_hundred_thousand_records_a_day():
    assert Amount(requests=1_000, records=100_000) == A_DAY


def test_so_many_requests_are_granted_and_no_more(valkey: redis.Redis):
    quota = quota_of(valkey)

    assert takes(quota) == 95
    assert takes(quota) == 0


def test_what_is_used_up_is_there_again_at_midnight_utc(valkey: redis.Redis):
    day = Day(NOON + timedelta(hours=11, minutes=59))
    quota = quota_of(valkey, now=day)
    takes(quota)

    with pytest.raises(RefusedError) as refusal:
        quota.take(records=1)

    verdict = refusal.value.verdict
    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == 60
    day.at += timedelta(seconds=60)
    assert takes(quota) == 95


def test_records_count_as_much_as_requests(valkey: redis.Redis):
    quota = quota_of(valkey, records=1_000)

    assert takes(quota, records=100) == 9
    assert takes(quota, records=51) == 0
    assert takes(quota, records=50) == 1


def test_records_that_did_not_come_are_given_back(valkey: redis.Redis):
    one, other = (quota_of(valkey, records=300) for _ in range(2))
    grant = one.take(records=100)
    one.give_back(grant, used=Amount(1, 3))

    before = takes(other, records=100)
    one.take(records=1)
    after = takes(other, records=81)

    # 285 are shared: 100 + 100, then 3 + 100 + 1.
    assert (before, after) == (1, 2)


def test_a_request_that_was_never_sent_is_given_back(valkey: redis.Redis):
    quota = quota_of(valkey)

    for _ in range(150):
        quota.give_back(quota.take(records=1), used=Amount(0, 0))

    assert takes(quota) == 95


def test_what_yesterday_gives_back_is_not_todays(valkey: redis.Redis):
    day = Day(NOON)
    quota = quota_of(valkey, now=day)
    grant = quota.take(records=1)

    day.at += timedelta(days=1)
    quota.take(records=1)
    quota.give_back(grant, used=Amount(0, 0))

    assert takes(quota) == 94


def test_clients_do_not_share_a_quota(valkey: redis.Redis):
    takes(quota_of(valkey, owner="one"))

    assert takes(quota_of(valkey, owner="other")) == 95


def test_the_client_key_is_not_written_anywhere(valkey: redis.Redis):
    quota_of(valkey, owner="aw1nv3nt3dk3y").take(records=1)

    keys: list[bytes] = valkey.keys()  # pyright: ignore[reportAssignmentType]
    assert len(keys) == 2
    assert not any(b"aw1nv3nt3dk3y" in key for key in keys)
    assert all(0 < int(str(valkey.ttl(key))) <= 172_800 for key in keys)


# Sharing


def test_workers_share_what_there_is(valkey: redis.Redis):
    one, other = quota_of(valkey), quota_of(valkey)

    assert takes(one, 60) == 60
    assert takes(other) == 35
    assert takes(one) == 0


class Faulty:
    """A server that is away, or whose answers get lost, whenever the test says so."""

    def __init__(self, server: redis.Redis) -> None:
        self.server = server
        self.fault: Fault = "none"

    def eval(self, script: str, keys: int, *arguments: str) -> object:
        if self.fault == "away":
            raise redis.ConnectionError
        answer = self.server.eval(script, keys, *arguments)
        if self.fault == "answer lost":
            raise redis.TimeoutError
        return answer


@settings(
    max_examples=part_of(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(get_args(Fault)),
            st.integers(1, 12),
            st.integers(0, 40),
            st.integers(0, 40),
        ),
        max_size=25,
    )
)
def test_workers_never_use_more_than_there_is_whatever_redis_does(
    valkey: redis.Redis,
    steps: list[tuple[int, Fault, int, int, int]],
    back_at_once: None,
):
    del back_at_once
    limit = Amount(40, 800)
    server, owner = Faulty(valkey), uuid4().hex
    workers = [
        quota_of(cast("redis.Redis", server), 40, records=800, owner=owner, processes=3)
        for _ in range(3)
    ]
    used = Amount(0, 0)

    for worker, server.fault, times, wanted, came in steps:
        for _ in range(times):
            with suppress(RefusedError):
                grant = workers[worker].take(records=wanted)
                use = Amount(1, min(wanted, came))
                workers[worker].give_back(grant, used=use)
                used += use

    assert limit.covers(used)


def take_all(url: str, limit: int, found: "multiprocessing.Queue[int]") -> None:
    """Take all that there is, in two threads; what another process runs."""
    with connect(url) as server:
        quota = quota_of(server, limit=limit, records=limit * 100)
        with ThreadPoolExecutor(2) as threads:
            found.put(sum(threads.map(lambda _: takes(quota, records=100), range(2))))


def test_threads_of_two_processes_never_take_more_than_there_is(redis_url: str):
    context = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[int] = context.Queue()
    processes = [
        context.Process(target=take_all, args=(redis_url, 600, found)) for _ in range(2)
    ]

    for process in processes:
        process.start()
    taken = [found.get(timeout=PATIENTLY) for _ in processes]
    for process in processes:
        process.join(PATIENTLY)
        process.close()

    assert sum(taken) == 570


def test_providers_that_share_a_quota_stop_together(
    valkey: redis.Redis, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = {"follower_count": 7}
    providers = [
        researcher.provider(server=valkey, limit=Amount(20, 1_000)) for _ in range(2)
    ]

    with ThreadPoolExecutor(4) as threads:
        verdicts = list(
            threads.map(lambda n: providers[n % 2].creator_profiles(BILLIE), range(40))
        )

    limited = [v for v in verdicts if isinstance(v, RateLimited)]
    assert len(limited) == 21
    assert {verdict.retry_after for verdict in limited} == {TO_MIDNIGHT}
    assert server.research_requests() == 19


# Without Redis


def test_a_worker_without_redis_has_it_all():
    assert takes(quota_of(None)) == 100


def test_a_worker_without_redis_has_it_all_again_the_next_day():
    day = Day(NOON)
    quota = quota_of(None, now=day)
    takes(quota)

    day.at += timedelta(hours=12)

    assert takes(quota) == 100


def test_workers_without_redis_have_a_part_each():
    workers = [quota_of(None, processes=3) for _ in range(3)]

    assert [takes(worker) for worker in workers] == [33, 33, 33]


def test_an_opened_provider_keeps_to_the_part_of_one_of_its_processes():
    provider = open_research(
        base_url="https://api.example",
        client_key="key",
        client_secret="",
        server=connect(AWAY),
        processes=2,
    )

    taken = takes(provider.api.quota)
    provider.close()

    assert taken == 25


def test_a_redis_that_was_never_there_leaves_what_is_kept_apart_for_it():
    quota = quota_of(connect(AWAY), limit=1_000)

    taken = takes(quota)

    assert taken == 50
    with pytest.raises(RefusedError) as refusal:
        quota.take(records=1)
    verdict = refusal.value.verdict
    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == 60
    assert "Redis is away" in verdict.detail


def test_a_redis_that_goes_away_and_comes_back_costs_nothing_and_grants_nothing_twice(
    own_valkey: EmbeddedValkey, back_at_once: None
):
    del back_at_once
    url = own_valkey.start()
    one, other = (quota_of(connect(url), processes=2) for _ in range(2))
    before = takes(one, 10), takes(other, 10)

    own_valkey.stop()
    with capture_logs() as logs:
        alone = takes(one), takes(other)
    own_valkey.start()
    afterwards = takes(one), takes(other)

    assert (before, alone, afterwards) == ((10, 10), (2, 2), (75, 0))
    assert {log["event"] for log in logs} == {"research_quota_is_local"}


def test_a_flushed_redis_learns_again_what_was_used(valkey: redis.Redis):
    one, other = quota_of(valkey), quota_of(valkey)
    takes(one, 40)
    takes(other, 40)

    valkey.flushdb()
    taken = takes(one, 1) + takes(other, 1) + takes(one) + takes(other)

    assert taken == 15


def test_a_redis_that_is_away_is_not_asked_for_every_request():
    quota = quota_of(connect(AWAY))

    with capture_logs() as logs:
        takes(quota)

    assert [log["event"] for log in logs] == ["research_quota_is_local"]


# Answers of TikTok


def test_a_quota_that_tiktok_calls_used_up_is_so_for_everyone_until_midnight(
    valkey: redis.Redis, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = {"follower_count": 7}
    server.daily_limit = 2
    one, other = (researcher.provider(server=valkey) for _ in range(2))

    verdicts = [
        provider.creator_profiles(BILLIE) for provider in (one, one, one, one, other)
    ]

    assert [type(v) for v in verdicts] == [Ok] * 2 + [RateLimited] * 3
    assert {v.retry_after for v in verdicts if isinstance(v, RateLimited)} == {
        TO_MIDNIGHT
    }
    assert server.research_requests() == 3
    assert researcher.pauses == []
    researcher.at = NOON + timedelta(hours=12)
    server.daily_limit = 1_000
    assert isinstance(other.creator_profiles(BILLIE), Ok)


def test_a_worker_without_redis_remembers_what_tiktok_said(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, quota_spent)
    provider = researcher.provider()

    verdicts = [provider.creator_profiles(BILLIE) for _ in range(3)]

    assert [type(verdict) for verdict in verdicts] == [RateLimited] * 3
    assert server.research_requests() == 1


@pytest.mark.parametrize(
    "words",
    (
        ("daily_quota_limit_exceeded", "Please try again later"),
        ("rate_limit_exceeded", "You have exceeded your daily quota"),
        ("rate_limit_exceeded", "The daily limit was reached"),
    ),
)
def test_a_daily_refusal_is_known_by_its_words(
    words: tuple[str, str], server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, refuse(*words, status=429))

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == TO_MIDNIGHT
    assert words[1] in verdict.detail


@pytest.mark.parametrize(("second", "seconds"), ((1, 299.0), (299, 1.0)))
def test_a_refusal_just_after_midnight_may_be_yesterdays_and_does_not_cost_the_day(
    second: int, seconds: float, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = {"follower_count": 7}
    researcher.at = datetime(2026, 3, 16, 0, 0, tzinfo=UTC) + timedelta(seconds=second)
    server.next_time(USER_PATH, quota_spent)
    provider = researcher.provider(patience=0.5)

    verdict = provider.creator_profiles(BILLIE)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == seconds
    assert isinstance(provider.creator_profiles(BILLIE), Ok)


def test_a_run_that_the_quota_ends_keeps_nothing(
    server: ResearchServer, researcher: Researcher
):
    server.add_video("billie.goat", days_ago(1))

    verdict = researcher.provider(limit=Amount(2, 1_000)).discover_videos(BILLIE)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == TO_MIDNIGHT
    assert len(server.requests(VIDEO_PATH)) == 2


# Counted requests


def test_every_request_that_reached_tiktok_counts_also_those_in_vain(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, *[internal_error] * 5)
    provider = researcher.provider(limit=Amount(5, 1_000))

    first = provider.creator_profiles(BILLIE)
    second = provider.creator_profiles(BILLIE)

    assert isinstance(first, Transient)
    assert isinstance(second, RateLimited)


def test_requests_that_reach_nobody_do_not_count(
    server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = {"follower_count": 7}
    provider = researcher.provider(limit=Amount(1, 1_000))
    provider.api.token.get(Deadline(10))
    here, provider.api.http.base_url = provider.api.http.base_url, "http://127.0.0.1:1"
    in_vain = provider.creator_profiles(BILLIE)
    provider.api.http.base_url = here

    verdict = provider.creator_profiles(BILLIE)

    assert isinstance(in_vain, Transient)
    assert isinstance(verdict, Ok)


def test_only_the_videos_that_came_count_as_records(
    server: ResearchServer, researcher: Researcher
):
    for _ in range(3):
        server.add_video("billie.goat", days_ago(1))
    provider = researcher.provider(limit=Amount(1_000, 106), windows=1)

    verdicts = [provider.discover_videos(BILLIE) for _ in range(4)]

    assert [type(v) for v in verdicts] == [Ok] * 3 + [RateLimited]


def test_a_page_that_cannot_be_read_counts_as_a_full_one(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(
        VIDEO_PATH, lambda handler: handler.send_json(200, {"error": {"code": "ok"}})
    )
    provider = researcher.provider(limit=Amount(1_000, 150), windows=1)

    first = provider.discover_videos(BILLIE)
    second = provider.discover_videos(BILLIE)

    assert isinstance(first, SchemaChanged)
    assert isinstance(second, RateLimited)


def test_threads_of_one_process_share_its_count_without_redis():
    quota = quota_of(None, limit=400)
    together = threading.Barrier(4)

    def take(_: int) -> int:
        together.wait(10)
        return takes(quota)

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(take, range(4)))

    assert sum(taken) == 400
