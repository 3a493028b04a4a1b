"""The cost of activity when all read models are computed anew."""

from datetime import timedelta

import pytest

from infra.eventstore.store import Store
from projections.engine.follower import CATCHING_UP_BATCH, Follower
from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.benchmarks.harness import Report, Rounds, Row, seconds
from tests.benchmarks.test_analytics import population

ROUNDS = 3
_HOW = (
    "Rebuild of all read models: 100 creators of 40 videos each, seen 60 times. Each "
    "read model is rebuilt after the other, from the command to the swap, including "
    "the comparison of all rows. The floor is the same without activity."
)


@pytest.mark.timeout(1_500)
def test_activity_does_not_make_a_rebuild_of_everything_half_as_long_again(
    store: Store, report: Report
):
    found = population(
        store, creators=100, videos=40, looks=60, every=timedelta(hours=12)
    )
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        while follower.step(CATCHING_UP_BATCH):
            pass
    turns = [
        {
            projection.name: seconds(
                lambda projection=projection: rebuild(store, projection, by="bench")
            )
            for projection in PROJECTIONS
        }
        for _ in range(ROUNDS)
    ]

    whole = Rounds(tuple(sum(turn.values()) for turn in turns))
    without = Rounds(tuple(sum(turn.values()) - turn["activity"] for turn in turns))
    ratio = whole.over(without)
    report.add(
        Row(
            what=f"Rebuild of all read models, {found.observations:,} observations",
            ours=whole.written("s"),
            floor=f"{without.written('s')}, without activity",
            ratio=ratio.written(),
            bar=("at most 1.5", ratio.median <= 1.5),
            how=_HOW,
        )
    )
