"""Every read model followed at once: level, promptly stopped, and through an outage."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from psycopg import sql
from structlog.testing import capture_logs

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.registry import PROJECTIONS
from projections.runner import run_projections
from projections.status import progress
from tests.kit.builders import make_home, opened_store
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.threads import at_work

PROMPTLY = 1.5


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url, pool_size=len(PROJECTIONS) + 1) as store:
        yield store


@contextmanager
def running(store: Store, url: str) -> Iterator[None]:
    """Run all projections; they must end promptly when they are told to."""
    with at_work(partial(run_projections, store, url), promptly=at_most(PROMPTLY)):
        yield


def all_level(store: Store) -> bool:
    with store.pool.connection() as connection:
        found = progress(connection)
    return all(p.status == "following" and p.lag_events == 0 for p in found)


def test_every_read_model_takes_in_what_happens(store: Store, database_url: str):
    with running(store, database_url):
        home = make_home(store)
        home.creator("ada")

        assert wait_until(lambda: all_level(store), seconds=PATIENTLY)
    with store.pool.connection() as connection:
        for table in ("organizations", "projects", "creator_list"):
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            assert connection.execute(query).fetchone() == (1,)


def test_a_database_that_cannot_be_written_to_yet_is_waited_for(
    store: Store, database_url: str
):
    make_home(store)
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        capture_logs() as logged,
    ):
        connection.execute("ALTER TABLE projection RENAME TO hidden")
        with running(store, database_url):
            assert wait_until(
                lambda: "follower_failed" in {line["event"] for line in logged},
                seconds=PATIENTLY,
            )

            connection.execute("ALTER TABLE hidden RENAME TO projection")

            assert wait_until(lambda: all_level(store), seconds=PATIENTLY)
