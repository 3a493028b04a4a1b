"""The cost of sealing: appends and the list's follower with and without it."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count, islice
from time import perf_counter
from uuid import UUID

import pytest

from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.keyring import MOST_KEYS, Keyring, wrapping_name
from infra.keys.subject_text import subject_text
from projections.creators.projection import CreatorList
from projections.engine.follower import CATCHING_UP_BATCH, Follower
from tests.benchmarks.clear import in_the_clear
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.histories import (
    Creator,
    a_creator,
    addition,
    busy_log,
    profile_scrape,
    video_scrape,
)
from tests.kit.builders import asking, opened_store
from tests.kit.keys import MASTER_KEY

APPENDS = 30
CREATORS = 50
RUNS = 33
VIDEOS = 30
VIDEO_IDS = [str(4_611_686_018_427_387_904 + 97 * place) for place in range(VIDEOS)]
CHUNK = 10_000
ROUNDS = 5
EVENTS_AT_ONCE = 200
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
_FOLLOWER_HOW = (
    f"Sealing, follower: {CHUNK:,} events a round of the log of the follower's rows, "
    "read by a process that holds none of their keys; the floor reads events that were "
    "stored in the clear."
)
_MEMORY_HOW = "Sealing, keys: what Python allocated to hold them, by tracemalloc."


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


def test_the_list_follows_sealed_events_at_little_cost(
    store: Store, database_url: str, report: Report
):
    clear, events = in_the_clear(store), _events()
    for _ in range(ROUNDS + 1):  # one to warm up
        for own in (store, clear):
            for _ in range(CHUNK // EVENTS_AT_ONCE):
                entries = list(islice(events, EVENTS_AT_ONCE))
                own.append(entries, context=asking("bench"))
    with opened_store(database_url) as reader:
        follower = Follower(CreatorList(), pool=reader.pool, codec=reader.codec)
        follower.register()
        # Objects of the log's making are not searched for cycles while others read it.
        gc.collect()
        gc.freeze()

        def events_a_second() -> float:
            began, passed = perf_counter(), 0
            while passed < CHUNK:
                passed += follower.step(min(CATCHING_UP_BATCH, CHUNK - passed))
            return passed / (perf_counter() - began)

        sealed, floor = interleaved(events_a_second, events_a_second, rounds=ROUNDS)
        gc.unfreeze()
    report.compare(
        "Follower of the list, sealed events",
        ours=sealed,
        floor=floor,
        unit="events/s",
        at_least=0.7,
        how=_FOLLOWER_HOW,
    )


def test_a_hundred_thousand_keys_are_held_in_little_memory(
    store: Store, report: Report
):
    subjects = [new_id() for _ in range(MOST_KEYS)]
    with (
        store.pool.connection() as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY subject_keys (subject, wrapped) FROM STDIN") as copy,
    ):
        for subject in subjects:
            key = subject.bytes * 2
            copy.write_row((subject, MASTER_KEY.wrap(wrapping_name(subject), key)))
    keyring = Keyring(store.pool, lambda _: MASTER_KEY)
    tracemalloc.start()
    for start in range(0, MOST_KEYS, CATCHING_UP_BATCH):
        part = subjects[start : start + CATCHING_UP_BATCH]
        keyring.keys(subject_text(subject) for subject in part)
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()

    assert keyring.held == MOST_KEYS
    report.add(
        Row(
            what="100,000 creators' keys in memory",
            ours=f"{megabytes:.1f} MB",
            bar=("under 40 MB", megabytes < 40),
            how=_MEMORY_HOW,
        )
    )


def _events() -> Iterator[NewEvent]:
    """Yield the events of the follower's log, as many as are needed."""
    for entries in busy_log(2 * (ROUNDS + 1) * CHUNK * 2):
        yield from entries
