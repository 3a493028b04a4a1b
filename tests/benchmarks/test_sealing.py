"""The cost of sealing: appends with and without it."""

from collections.abc import Callable, Iterator
from itertools import count
from time import perf_counter
from uuid import UUID

import pytest

from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.benchmarks.clear import in_the_clear
from tests.benchmarks.harness import Report, interleaved
from tests.benchmarks.histories import (
    Creator,
    a_creator,
    addition,
    profile_scrape,
    video_scrape,
)
from tests.kit.builders import asking

APPENDS = 30
CREATORS = 50
RUNS = 33
VIDEOS = 30
VIDEO_IDS = [str(4_611_686_018_427_387_904 + 97 * place) for place in range(VIDEOS)]
ROUNDS = 5
_CREATORS_HOW = (
    f"Sealing, new creators: {APPENDS} appends a round, each of {CREATORS} creators "
    "with their four events, all of which are sealed, and as many new keys. The floor "
    "stores the same in the clear."
)
_RUNS_HOW = (
    f"Sealing, runs: {APPENDS} appends a round, each of {RUNS} creators with a run of "
    f"the profile and one of {VIDEOS} known videos, three events each; the requests "
    "and the profile are sealed. The floor stores the same in the clear."
)
_ONE_RUN_HOW = (
    "Sealing, one run: the same runs as an installation in use stores them, which is "
    "nearly all that it does: each request is an append, and each result."
)


@pytest.mark.parametrize(
    ("what", "appends", "how"),
    (
        ("Append of 200 events of new creators, sealed", "creators", _CREATORS_HOW),
        ("Append of 200 events of 66 runs, sealed", "runs", _RUNS_HOW),
        ("Appends of one run after the other, sealed", "one run", _ONE_RUN_HOW),
    ),
    ids=["new creators", "runs", "one run"],
)
def test_appends_seal_at_little_cost(
    store: Store, report: Report, what: str, appends: str, how: str
):
    organization_id, project_id = new_id(), new_id()
    creators = [
        a_creator(organization_id, project_id, number) for number in range(RUNS)
    ]
    turns = count()

    def batches() -> list[list[NewEvent]]:
        if appends == "creators":
            return [new_creators(new_id()) for _ in range(APPENDS)]
        if appends == "runs":
            return [
                [entry for run in runs_of(creators, next(turns)) for entry in run]
                for _ in range(APPENDS)
            ]
        return [
            entries
            for _ in range(2)
            for run in runs_of(creators, next(turns))
            # The dispatcher requests it, and a worker stores what comes of it.
            for entries in (run[:1], run[1:])
        ]

    def appends_a_second(own: Store) -> Callable[[], float]:
        def measure() -> float:
            prepared = batches()
            began = perf_counter()
            for entries in prepared:
                own.append(entries, context=asking("bench"))
            return len(prepared) / (perf_counter() - began)

        return measure

    sealed, clear = interleaved(
        appends_a_second(store), appends_a_second(in_the_clear(store)), rounds=ROUNDS
    )
    report.compare(
        what, ours=sealed, floor=clear, unit="appends/s", at_least=0.8, how=how
    )


def new_creators(organization_id: UUID) -> list[NewEvent]:
    return [
        entry
        for number in range(CREATORS)
        for entry in addition(a_creator(organization_id, new_id(), number))
    ]


def runs_of(creators: list[Creator], turn: int) -> Iterator[list[NewEvent]]:
    """Yield a run of each creator's profile and one of its videos, a run at a time."""
    for creator in creators:
        yield profile_scrape(creator, turn)
        yield video_scrape(creator, turn, VIDEO_IDS)
