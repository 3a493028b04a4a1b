"""How long it takes to look at 1,000 connected creators within TikTok's limits."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from application.connect.outcomes import Connected
from domain.scrape.verdicts import (
    Ok,
    RateLimited,
    Verdict,
)
from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, Row, seconds
from tests.kit.builders import make_home
from tests.kit.connections import account, connect, fake_tiktok
from workers.sources.demo.fake_tiktok.display import FakeDisplay
from workers.sources.port import Target
from workers.sources.providers.display import open_display

CREATORS = 1_000
THREADS = 8
ANSWERS_AFTER = 0.1
MOST_MINUTES = 10

_HOW = (
    f"Connected creators: the profile and the list of videos of {CREATORS:,} creators, "
    f"read by {THREADS} threads of the display provider from a pretended TikTok that "
    f"answers after {ANSWERS_AFTER * 1_000:.0f} ms, at most 600 requests of a kind in "
    "a minute, counted in Valkey. Nothing is stored of what was seen; a creator that "
    "has to wait is read again when it may be."
)


def test_a_thousand_connected_creators(
    store: Store, report: Report, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    home = make_home(store)
    names = [f"connected.{number}" for number in range(CREATORS)]
    with fake_tiktok(*map(account, names)) as fake:
        targets: list[Target] = []
        for name in names:
            creator_id = home.creator(name)
            assert isinstance(connect(store, fake, creator_id, name), Connected)
            targets.append(Target(handle=name, creator_id=creator_id))
        for method in ("user", "list_videos"):
            _slow_down(method, monkeypatch)
        with redis.Redis.from_url(redis_url) as server:
            settings = fake.settings(store.settings)
            provider = open_display(store, settings, server=server)

            def look(target: Target) -> None:
                _read(provider.creator_profiles, target)
                _read(provider.discover_videos, target)

            def work() -> None:
                with ThreadPoolExecutor(THREADS) as threads:
                    list(threads.map(look, targets))

            minutes = seconds(work) / 60
            provider.close()

    report.add(
        Row(
            what=f"{CREATORS:,} connected creators, each with its profile and videos",
            ours=f"{minutes:.1f} min",
            bar=(f"under {MOST_MINUTES} min", minutes < MOST_MINUTES),
            how=_HOW,
        )
    )


def _slow_down(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = getattr(FakeDisplay, method)

    def later(*given: object) -> object:
        time.sleep(ANSWERS_AFTER)
        return answer(*given)

    monkeypatch.setattr(FakeDisplay, method, later)


def _read(ask: Callable[[Target], Verdict], target: Target) -> None:
    while isinstance(verdict := ask(target), RateLimited):
        time.sleep(verdict.retry_after)
    assert isinstance(verdict, Ok), verdict
