import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from infra.eventstore import append as appending
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import asking, events_for

WRITERS = 8
APPENDS = 60

# By which ways each writer's appends go, one after the other.
WAYS = {
    "the function": ("the function",),
    "in_transaction": ("in_transaction",),
    "COPY": ("COPY",),
    "mixed": ("the function", "in_transaction", "COPY"),
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_a_reader_at_the_tail_misses_nothing_of_eight_writers(
    store: Store,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    ways: tuple[str, ...],
):
    monkeypatch.setattr(appending, "COPY_FROM", 6)
    written = threading.Event()

    def write(number: int) -> None:
        dice = random.Random(number)  # noqa: S311 - a die, not a secret
        stream = new_id()
        history = store.append(events_for(stream, "first"), context=asking())
        for turn in range(APPENDS):
            way = ways[turn % len(ways)]
            handles = ["x"] * (6 if way == "COPY" else dice.randint(1, 5))
            if turn % 10 == 9:
                # An append that loses leaves a gap between the positions.
                with suppress(AppendConflictError):
                    store.append(events_for(stream, *handles), context=asking())
            history += store.append(
                events_for(stream, *handles, after=history),
                context=asking(),
                in_transaction=(lambda *_: None) if way == "in_transaction" else None,
            )

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        reader = threads.submit(_read_the_tail, database_url, until=written)
        writers = [threads.submit(write, number) for number in range(WRITERS)]
        try:
            for writer in writers:
                writer.result()
        finally:
            written.set()
        seen = reader.result()

    assert seen == _positions(database_url)
    assert len(seen) > WRITERS * APPENDS


def test_statistics_that_are_being_gathered_stop_no_append(
    store: Store, database_url: str
):
    store.append(events_for(new_id(), "a"), context=asking())

    with psycopg.connect(database_url) as gatherer:
        # Its lock is held until the transaction ends.
        gatherer.execute("ANALYZE goatherd_events")
        (recorded,) = store.append(events_for(new_id(), "b"), context=asking())

    assert store.head() == recorded.position


def test_statistics_gathered_without_pause_and_appends_live_together(
    store: Store, database_url: str
):
    written = threading.Event()

    def gather() -> int:
        rounds = 0
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not written.is_set():
                connection.execute("ANALYZE goatherd_events")
                rounds += 1
        return rounds

    with ThreadPoolExecutor(1) as thread:
        gatherer = thread.submit(gather)
        try:
            for _ in range(200):
                store.append(events_for(new_id(), "a"), context=asking())
        finally:
            written.set()

    assert gatherer.result() > 0
    assert len(_positions(database_url)) == 200


def _read_the_tail(url: str, *, until: threading.Event) -> list[int]:
    """Read on from the last position seen, again and again, and return all seen."""
    seen: list[int] = []
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            all_written = until.is_set()
            fresh = connection.execute(
                "SELECT notification_id FROM goatherd_events"
                " WHERE notification_id > %s ORDER BY notification_id",
                (seen[-1] if seen else 0,),
            ).fetchall()
            seen += [row[0] for row in fresh]
            if all_written and not fresh:
                return seen


def _positions(url: str) -> list[int]:
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT notification_id FROM goatherd_events ORDER BY notification_id"
        )
        return [row[0] for row in rows]
