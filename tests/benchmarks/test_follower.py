"""The follower of the list: batches against one transaction an event."""

import gc
from collections.abc import Callable
from time import perf_counter

from infra.eventstore.store import Store
from projections.creators.projection import CreatorList
from projections.engine.follower import CATCHING_UP_BATCH, LIVE_BATCH, Follower
from tests.benchmarks.harness import Report, interleaved
from tests.benchmarks.histories import busy_log
from tests.kit.builders import asking

EVENTS = 40_000
SINGLES = 600

_HOW = (
    "Follower: the log has creators added fifty at a time and scraped eight times each "
    "(the list ignores most events). Ours is Follower.step with its usual batch, the "
    "floor is the same with a batch of 1. Each continues where the last one stopped."
)


def test_batches_are_taken_in_faster_than_single_events(store: Store, report: Report):
    for entries in busy_log(EVENTS * 3):
        store.append(entries, context=asking("bench"))
    follower = Follower(CreatorList(), pool=store.pool, codec=store.codec)
    follower.register()
    # Garbage of the log's making is not the follower's to clear.
    gc.collect()

    def events_a_second(batch: int, amount: int) -> Callable[[], float]:
        def measure() -> float:
            began = perf_counter()
            passed = 0
            while passed < amount:
                stepped = follower.step(batch)
                assert stepped > 0
                passed += stepped
            return passed / (perf_counter() - began)

        return measure

    live, catching_up, single = interleaved(
        events_a_second(LIVE_BATCH, 5_000),
        events_a_second(CATCHING_UP_BATCH, 10_000),
        events_a_second(1, SINGLES),
        rounds=5,
    )

    for what, ours in (("live", live), ("catching up", catching_up)):
        report.compare(
            f"Follower of the list, {what}",
            ours=ours,
            floor=single,
            unit="events/s",
            at_least=25,
            how=_HOW,
        )
