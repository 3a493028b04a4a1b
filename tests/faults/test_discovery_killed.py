"""Dispatchers that are killed while they make events of the videos in runs."""

import threading
import time
from collections import Counter

import pytest

from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.engine import follower_group as following
from tests.kit.builders import log_of, make_home, opened_store
from tests.kit.faults import victim
from tests.kit.patience import PATIENTLY
from tests.kit.videos import INSIDE, a_creator, a_run, due, known, settle
from workers.broker import connect_broker
from workers.dispatcher import Dispatcher
from workers.policies import runner
from workers.policies import video_policies as discovery

CREATORS, RUNS, NEW_A_RUN = 4, 40, 5
AWAY = "redis://127.0.0.1:1/0"


def dispatch(url: str) -> None:
    """Dispatch until killed, in small steps: many moments to be killed at."""
    following.CATCHING_UP_BATCH = following.GROUP_BATCH = 20
    do_due = discovery.do_due

    def slowly(store: Store) -> int:
        # The test's own process must get to see that some are left.
        time.sleep(0.03)
        return do_due(store, 5)

    with (
        opened_store(url, pool_size=4) as store,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(runner, "do_due", slowly)
        Dispatcher(store, connect_broker(AWAY), url=url).run(threading.Event())


def discovered(store: Store) -> Counter[str]:
    """How many times each video was discovered."""
    events = [recorded.event for recorded in log_of(store, e.VideoDiscovered)]
    return Counter(
        event.tiktok_video_id
        for event in events
        if isinstance(event, e.VideoDiscovered)
    )


def test_killed_dispatchers_lose_no_video_and_discover_none_twice(database_url: str):
    with opened_store(database_url) as store:
        home = make_home(store)
        expected: set[str] = set()
        for number in range(CREATORS):
            creator_id = a_creator(home, f"goat{number}")
            for run in range(RUNS):
                videos = [f"{number}{run:03}{new}" for new in range(NEW_A_RUN)]
                expected.update(videos)
                a_run(home, creator_id, *videos, posted_at=[INSIDE] * NEW_A_RUN)

        killed_at: list[int] = []
        for part in (0.02, 0.3, 0.6):
            with victim(dispatch, database_url) as process:
                assert wait_until(
                    lambda part=part: len(discovered(store)) > part * len(expected),
                    seconds=PATIENTLY,
                )
                process.kill()
            killed_at.append(len(discovered(store)))
        settle(store)

        found = discovered(store)
        noted = known(store)
        left = due(store)
    assert all(0 < amount < len(expected) for amount in killed_at)
    assert set(found) == expected == set(noted)
    assert set(found.values()) == {1}
    assert left == []
