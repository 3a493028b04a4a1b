"""Schedulers among faults: killed or stopped in the middle, and nothing is doubled."""

import time

import pytest
from psycopg.errors import LockNotAvailable

from domain.organization.plans import DEFAULT_PLANS
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.builders import Home, make_home, opened_store
from tests.kit.faults import victim
from tests.kit.patience import PATIENTLY
from tests.kit.schedule import finish_all, run_sql, scheduled
from workers.schedule import scheduler as scheduling
from workers.schedule.scheduler import Scheduler

POPULATION = 50
BATCH = 7


@pytest.fixture
def due(store: Store) -> Home:
    """A home whose creators are all due for a profile and for new videos."""
    home = make_home(store)
    home.add(*(f"goat{number}" for number in range(POPULATION)))
    finish_all(store)
    first = Scheduler(store, DEFAULT_PLANS)
    first.round()
    first.give_up_lease()
    run_sql(
        store,
        "UPDATE scrape_schedule SET due_at = clock_timestamp() - interval '1 min' "
        "WHERE due_at <> 'infinity'",
    )
    return home


def schedule(url: str, *, pause: float = 0.0) -> None:
    """The work of a process until it is killed: rounds in small batches."""
    scheduling.BATCH = BATCH
    with opened_store(url) as store:
        scheduler = Scheduler(store, DEFAULT_PLANS)
        while True:
            scheduler.round()
            time.sleep(pause)


def end_lease(store: Store) -> None:
    """Let the time pass that a silent holder has."""
    run_sql(store, "UPDATE scheduler_lease SET lease_until = clock_timestamp()")


def lease_ended_without(store: Store) -> bool:
    """End the lease of a process that may have stopped within a transaction.

    The transaction has the lease's row. It is found however far it is: a statement
    that was under way when the process stopped goes on for a moment, and what the
    process had sent before it stopped may begin another.
    """
    run_sql(
        store,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend' AND xact_start IS NOT NULL",
    )
    try:
        end_lease(store)
    except LockNotAvailable:
        return False
    return True


def test_each_run_is_asked_for_once_however_often_schedulers_are_killed(
    due: Home, database_url: str
):
    store = due.store
    seen = 0
    kills = 0
    while seen < 2 * POPULATION:
        with victim(schedule, database_url) as process:
            reached = seen
            # In the middle: when it has asked for something and has more to ask for.
            assert wait_until(
                lambda reached=reached: len(scheduled(store)) > reached,
                seconds=PATIENTLY,
            )
            process.kill()
        kills += 1
        # The killed process may have been in the middle of taking its lease again.
        assert wait_until(lambda: lease_ended_without(store), seconds=PATIENTLY)
        seen = len(scheduled(store))

    with opened_store(database_url) as theirs:
        assert Scheduler(theirs, DEFAULT_PLANS).round() == 0
    assert kills >= 2
    assert len(scheduled(store)) == len(set(scheduled(store))) == 2 * POPULATION


def test_a_stopped_scheduler_that_wakes_up_asks_for_nothing_twice(
    due: Home, database_url: str
):
    store = due.store
    with victim(schedule, database_url, pause=0.01) as process:
        assert wait_until(lambda: len(scheduled(store)) > 0, seconds=PATIENTLY)
        process.freeze()
        assert wait_until(lambda: lease_ended_without(store), seconds=PATIENTLY)
        successor = Scheduler(store, DEFAULT_PLANS)
        assert wait_until(successor.take_lease, seconds=PATIENTLY)
        while successor.round():
            pass
        run_sql(
            store,
            "UPDATE scrape_schedule SET due_at = clock_timestamp() - interval '1 min' "
            "WHERE job_type = 'creator_profiles' AND due_at <> 'infinity'",
        )
        finish_all(store)
        process.wake()
        before = len(scheduled(store))
        # Were it still at work, these would be asked for within moments.
        woken_up_late = wait_until(lambda: len(scheduled(store)) > before, seconds=1.0)

    assert not woken_up_late
    assert len(scheduled(store)) == len(set(scheduled(store))) == 2 * POPULATION
