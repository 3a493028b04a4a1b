"""Webhooks: deliveries a second against a bare client, and the delay of single ones."""

import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from application.webhooks.follow import following
from domain import commands as c
from domain.feed.types import BY_NAME, example_of
from domain.webhook.handlers import create_webhook
from infra.embedded.processes import wait_until
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, open_store
from infra.ids import new_id
from projections.engine.follower import Follower
from projections.engine.follower_group import FollowerGroup
from projections.feed.projection import Feed
from tests.benchmarks.harness import Report, Rounds, Row, percentile
from tests.kit.application import settings_for
from tests.kit.builders import Home, asking, make_home
from tests.kit.threads import followed_by
from tests.kit.webhooks import dispatching_at

ROUNDS = 3
EVENTS = 2_000
A_SECOND = 50
SECONDS = 20
_FLOOR = 2_000
_HOW = (
    "Webhooks: an endpoint in another process, which answers 204. Goatherd delivers "
    "the events of creators that were added before, with bodies, signatures and rows. "
    "The floor posts a body of the same type in a loop, by one httpx client on one "
    "connection, with nothing else."
)
_DELAY = (
    "Delay of webhooks: creators are added one by one, while a follower and the "
    "dispatch run. It lasts from the time of recording to the receipt of the body."
)


@pytest.fixture
def receiver() -> Iterator[httpx.Client]:
    """A client of the receiver, made once: each new one reads all certificates."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.receiver"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    with httpx.Client(base_url=url) as client:
        yield client
    process.kill()
    process.communicate()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    settings = settings_for(database_url)
    store = open_store(database_url, pool_size=4, settings=settings)
    yield store
    store.pool.close()


def test_deliveries_keep_up_with_a_bare_client(
    store: Store, database_url: str, receiver: httpx.Client, report: Report
):
    home = make_home(store)
    _created(store, home, str(receiver.base_url))
    ours: list[float] = []
    floor: list[float] = []
    for turn in range(ROUNDS + 1):
        floor.append(_FLOOR / _posted(str(receiver.base_url)))
        _delays(receiver)
        for begin in range(0, EVENTS, 50):
            home.add(*(f"g{turn}.{begin + each}" for each in range(50)))
        follower = Follower(Feed(), pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
        began = time.perf_counter()
        with dispatching_at(database_url):
            taken = 0

            def are_all_there() -> bool:
                nonlocal taken
                taken += len(_delays(receiver))
                return taken >= EVENTS

            assert wait_until(are_all_there, seconds=300)
            ours.append(EVENTS / (time.perf_counter() - began))

    measured, bare = Rounds(tuple(ours[1:])), Rounds(tuple(floor[1:]))
    ratio = measured.over(bare)
    report.add(
        Row(
            what="Deliveries of webhooks to one endpoint",
            ours=measured.written("a second"),
            floor=f"{bare.written('a second')}, a bare client",
            ratio=ratio.written(),
            bar=("at least 0.3", ratio.median >= 0.3),
            how=_HOW,
        )
    )


def test_a_delivery_arrives_within_half_a_second(
    store: Store, database_url: str, receiver: httpx.Client, report: Report
):
    home = make_home(store)
    _created(store, home, str(receiver.base_url))
    group = FollowerGroup(store, [Feed()])
    with followed_by(group, database_url), dispatching_at(database_url):
        home.add("warm.up")
        assert wait_until(lambda: bool(_delays(receiver)), seconds=60)
        began = time.perf_counter()
        for number in range(A_SECOND * SECONDS):
            home.add(f"one.{number}")
            left = began + (number + 1) / A_SECOND - time.perf_counter()
            time.sleep(max(left, 0))
        elapsed = time.perf_counter() - began
        found: list[float] = []

        def are_all_there() -> bool:
            found.extend(_delays(receiver))
            return len(found) >= A_SECOND * SECONDS

        assert wait_until(are_all_there, seconds=60)

    p99 = percentile(found, 99)
    report.add(
        Row(
            what=f"Delay of a webhook, at {A_SECOND * SECONDS / elapsed:.0f} events a "
            "second",
            ours=f"p50 {percentile(found, 50):.0f} ms, p99 {p99:.0f} ms",
            bar=("p99 below 500 ms", p99 < 500),
            how=_DELAY,
        )
    )


def _created(store: Store, home: Home, url: str) -> None:
    command = c.CreateWebhook(
        organization_id=home.organization_id, url=url, types=("creator.added",)
    )
    webhook_id = new_id()
    execute(
        store,
        lambda: create_webhook(webhook_id, command),
        context=asking(),
        in_transaction=following(store),
    )


def _posted(url: str) -> float:
    """Post bodies in a loop, and return the seconds that it took."""
    body = msgspec.json.encode(example_of(BY_NAME["creator.added"]))
    began = time.perf_counter()
    with httpx.Client() as client:
        for _ in range(_FLOOR):
            client.post(url, content=body).raise_for_status()
    return time.perf_counter() - began


def _delays(receiver: httpx.Client) -> list[float]:
    return receiver.get("").json()
