"""What sealing costs: appends and the list's follower with and without it."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from time import perf_counter

from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.keyring import MOST_KEYS, Keyring, wrapping_name
from infra.keys.subject_text import subject_text
from projections.creators.projection import CreatorList
from projections.engine.follower import CATCHING_UP_BATCH, Follower
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.histories import a_creator, addition, busy_log
from tests.kit.builders import asking, opened_store
from tests.kit.keys import MASTER_KEY

APPENDS = 30
CREATORS = 50
CHUNK = 10_000
ROUNDS = 5
EVENTS_AT_ONCE = 200
_APPEND_HOW = (
    f"Sealing, append: {APPENDS} appends a round, each of {CREATORS} creators with "
    "their four events, keys of new creators included; the floor stores the same in "
    "the clear."
)
_FOLLOWER_HOW = (
    f"Sealing, follower: {CHUNK:,} events a round of the log of the follower's rows, "
    "read by a process that holds none of their keys; the floor reads events that were "
    "stored in the clear."
)
_MEMORY_HOW = "Sealing, keys: what Python allocated to hold them, by tracemalloc."


class ClearCodec(Codec):
    """Stores everything in the clear."""

    def is_sealed(self, event: object) -> bool:
        del event
        return False


def in_the_clear(store: Store) -> Store:
    clear = Store(store.pool, store.settings)
    clear.codec = ClearCodec(keyring=clear.keyring)
    return clear


def test_appends_seal_at_little_cost(store: Store, report: Report):
    def appends_a_second(own: Store) -> Callable[[], float]:
        def measure() -> float:
            organization_id = new_id()
            batches = [
                [
                    entry
                    for number in range(CREATORS)
                    for entry in addition(a_creator(organization_id, new_id(), number))
                ]
                for _ in range(APPENDS)
            ]
            began = perf_counter()
            for entries in batches:
                own.append(entries, context=asking("bench"))
            return len(batches) / (perf_counter() - began)

        return measure

    sealed, clear = interleaved(
        appends_a_second(store), appends_a_second(in_the_clear(store)), rounds=ROUNDS
    )
    report.compare(
        "Append of 200 events, sealed",
        ours=sealed,
        floor=clear,
        unit="appends/s",
        at_least=0.8,
        how=_APPEND_HOW,
    )


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
        # What made the log is not searched for cycles again while others read it.
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
