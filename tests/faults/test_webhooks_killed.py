"""Dispatchers of webhooks that are killed while a receiver sometimes fails."""

import multiprocessing
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from infra.embedded.processes import wait_until
from projections.engine.follower import Follower
from projections.feed.projection import Feed
from tests.kit.application import Goatherd, Tenant, own_installation
from tests.kit.faults import Victim, victim
from tests.kit.histories import History, added, log
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ScriptedSite
from tests.kit.webhooks import TAKEN, Receiver, created, dispatching_at

goatherd = pytest.fixture(own_installation, scope="module")

SUBJECTS = 50


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def dispatch(url: str) -> None:
    """Deliver to all webhooks until killed."""
    with dispatching_at(url):
        threading.Event().wait()


def renamed(home: Tenant, number: int) -> History:
    """Creators that get one handle after the other, in turns."""
    history = History()
    ids = [UUID(int=random.getrandbits(128), version=4) for _ in range(SUBJECTS)]
    of: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": home.project_id,
    }
    for creator_id in ids:
        history.happened(creator_id, added(f"g{creator_id.hex[:12]}.0", **of))
    for turn in range(number - SUBJECTS):
        creator_id, place = ids[turn % SUBJECTS], turn // SUBJECTS
        stem = f"g{creator_id.hex[:12]}"
        history.happened(
            creator_id,
            e.HandleChanged(
                organization_id=home.organization_id,
                old=f"{stem}.{place}",
                new=f"{stem}.{place + 1}",
            ),
        )
    return history


def deliver_with_kills(
    goatherd: Goatherd,
    site: ScriptedSite,
    *,
    events: int,
    kills: int,
    failing: float,
    dispatchers: int,
) -> None:
    """Kill dispatchers again and again while they deliver, and compare what came."""
    chance = random.Random(7)  # noqa: S311 - no secret
    home = goatherd.tenant()
    receiver = Receiver(site, f"/kills-{kills}")
    receiver.answer = lambda _: (
        Answer(status=500) if chance.random() < failing else TAKEN
    )
    created(home, receiver.url, types=["creator.added", "creator.renamed"])
    follower = Follower(Feed(), pool=goatherd.store.pool, codec=goatherd.store.codec)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kit.webhooks"])

    def start(stack: ExitStack) -> Victim:
        made = victim(dispatch, goatherd.url, start="forkserver")
        return stack.enter_context(made)

    with ExitStack() as stack:
        running = [start(stack) for _ in range(dispatchers)]
        log(goatherd.store, renamed(home, events).events)
        follower.catch_up()
        for kill in range(1, kills + 1):
            receiver.wait_for(events * kill // (kills + 2))
            killed = running.pop(0)
            killed.kill()
            running.append(start(stack))

        def is_all() -> bool:
            return len({event["id"] for event in receiver.taken}) >= events

        assert wait_until(is_all, seconds=PATIENTLY + events / 10)

    places: dict[str, list[int]] = defaultdict(list)
    seen = set[str]()
    for event in receiver.taken:
        if event["id"] not in seen:
            seen.add(event["id"])
            places[event["subject"]["id"]].append(event["position"])
    assert len(seen) == events
    assert len(places) == SUBJECTS
    assert all(positions == sorted(positions) for positions in places.values())
    doubles = len(receiver.taken) - events
    print(f"{events:,} events, {kills} kills, {doubles} sent twice")  # noqa: T201


def test_every_event_arrives_in_order_whatever_is_killed(
    goatherd: Goatherd, site: ScriptedSite
):
    deliver_with_kills(
        goatherd, site, events=400, kills=3, failing=0.005, dispatchers=1
    )


@pytest.mark.full
@pytest.mark.timeout(3_600)
def test_ten_thousand_events_arrive_over_a_hundred_kills(
    goatherd: Goatherd, site: ScriptedSite
):
    deliver_with_kills(
        goatherd, site, events=10_000, kills=100, failing=0.005, dispatchers=2
    )
