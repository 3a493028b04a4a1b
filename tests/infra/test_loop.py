import threading
import time
from collections.abc import Callable
from itertools import pairwise

import psycopg
import pytest
from structlog.testing import capture_logs

from infra.eventstore.store import Store
from infra.loop import run_until_stopped
from tests.kit.builders import opened_store
from tests.kit.patience import PATIENTLY, at_most


def steps_of(
    *results: float | Exception, stop: threading.Event
) -> tuple[Callable[[], float], list[float]]:
    """A step that has these results in turn and stops the loop with the last one."""
    rest = list(results)
    called_at: list[float] = []

    def step() -> float:
        called_at.append(time.monotonic())
        result = rest.pop(0)
        if not rest:
            stop.set()
        if isinstance(result, Exception):
            raise result
        return result

    return step, called_at


def test_steps_follow_each_other_until_the_loop_is_stopped():
    stop = threading.Event()
    step, called_at = steps_of(0, 0, 0, stop=stop)

    run_until_stopped(step, stop, failed="test_failed")

    assert len(called_at) == 3


def test_a_loop_that_was_stopped_before_takes_no_step():
    stop = threading.Event()
    stop.set()
    step, called_at = steps_of(0, stop=stop)

    run_until_stopped(step, stop, failed="test_failed")

    assert called_at == []


def test_a_step_says_how_long_to_rest():
    stop = threading.Event()
    step, called_at = steps_of(0.1, 0, stop=stop)

    run_until_stopped(step, stop, failed="test_failed")

    assert 0.1 <= called_at[1] - called_at[0] < at_most(1)


def test_failures_are_logged_and_counted_until_a_step_succeeds():
    stop = threading.Event()
    step, called_at = steps_of(
        ValueError("one"), ValueError("two"), 0, ValueError("three"), stop=stop
    )

    with capture_logs() as logged:
        run_until_stopped(
            step, stop, failed="test_failed", longest_backoff=0.02, shop="corner"
        )

    assert len(called_at) == 4
    assert logged == [
        {
            "event": "test_failed",
            "log_level": "warning",
            "shop": "corner",
            "error": error,
            "failures": failures,
        }
        for error, failures in [
            ("ValueError('one')", 1),
            ("ValueError('two')", 2),
            ("ValueError('three')", 1),
        ]
    ]


def test_a_back_off_comes_before_the_next_step():
    stop = threading.Event()
    step, called_at = steps_of(ValueError(), 0, stop=stop)

    run_until_stopped(step, stop, failed="test_failed", longest_backoff=0.1)

    assert called_at[1] - called_at[0] >= 0.05


@pytest.mark.parametrize("result", (60.0, ValueError()))
def test_stopping_ends_a_rest_and_a_back_off_at_once(result: float | Exception):
    stop = threading.Event()
    called = threading.Event()

    def step() -> float:
        called.set()
        if isinstance(result, Exception):
            raise result
        return result

    thread = threading.Thread(
        target=lambda: run_until_stopped(
            step, stop, failed="test_failed", longest_backoff=60
        )
    )
    thread.start()
    assert called.wait(PATIENTLY)
    stop.set()
    thread.join(at_most(5))
    assert not thread.is_alive()


def test_waking_ends_a_rest_but_not_its_first_pause():
    stop, wake_up = threading.Event(), threading.Event()
    step, called_at = steps_of(60, 60, 0, stop=stop)

    def step_and_wake() -> float:
        rest = step()
        # As soon as it was called: only the pause delays the next call.
        wake_up.set()
        return rest

    run_until_stopped(
        step_and_wake, stop, failed="test_failed", wake_up=wake_up, pause=0.1
    )

    assert len(called_at) == 3
    assert all(
        0.1 <= later - before < at_most(5) for before, later in pairwise(called_at)
    )


def test_what_woke_a_step_does_not_wake_the_next_one_too():
    stop, wake_up = threading.Event(), threading.Event()
    wake_up.set()
    step, called_at = steps_of(0.2, 0, stop=stop)

    run_until_stopped(step, stop, failed="test_failed", wake_up=wake_up)

    assert called_at[1] - called_at[0] >= 0.2


def test_idle_connections_that_an_outage_cut_are_not_used_again(database_url: str):
    with opened_store(database_url, pool_size=2) as store:
        outcomes: list[str] = []
        stop = threading.Event()

        def step() -> float:
            try:
                _use_both_connections(store)
            except psycopg.OperationalError:
                outcomes.append("failed")
                raise
            outcomes.append("done")
            if len(outcomes) == 1:
                _cut_all_connections(database_url)
            else:
                stop.set()
            return 0

        run_until_stopped(step, stop, failed="test_failed", pool=store.pool)

        assert outcomes == ["done", "failed", "done"]


def _use_both_connections(store: Store) -> None:
    with store.pool.connection() as one, store.pool.connection() as other:
        one.execute("SELECT 1")
        other.execute("SELECT 1")


def _cut_all_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
