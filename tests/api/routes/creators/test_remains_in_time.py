"""The search for remains ends in time, and leaves its connection as it was."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from application.erase.remains import erased_values, find_remains
from application.erase.search.installation import Findings, SearchedPlaces
from application.erase.search.tables import (
    search_statistics,
    tables_of,
    values_of_others,
)
from application.erase.search.terms import SearchTerms
from application.erase.search.time_limit import TimeLimit
from application.erase.values import ErasedValue
from projections.rebuild.shadow_tables import analyze
from tests.kit.application import Tenant, data_of, settings_for

# The time of a search that should end only because of something else.
AMPLE_SECONDS = 60.0


# Others' creators are in the table, too, so the planner chose which handles it keeps.
_SAMPLED = """
SELECT (coalesce(histogram_bounds, most_common_vals)::text::text[])[1] FROM pg_stats
WHERE tablename = 'creator_list' AND attname = 'tiktok_handle'
"""


@contextmanager
def locked(tenant: Tenant, table: str) -> Iterator[None]:
    with psycopg.connect(tenant.goatherd.url) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


@contextmanager
def unseen(
    what: str,  # noqa: ARG001
    *,
    total: int | None,  # noqa: ARG001
) -> Iterator[Callable[[int], None]]:
    yield lambda _more: None


def searched(
    tenant: Tenant, seconds: float, lock: Callable[[], AbstractContextManager[None]]
) -> Findings:
    creator_id = tenant.add("timed.goat")["id"]
    tenant.goatherd.catch_up()
    path = f"/creators/{creator_id}/erase"
    data_of(tenant.post(path, {"confirm": "timed.goat"}))
    tenant.goatherd.catch_up()
    settings = settings_for(tenant.goatherd.url)
    with psycopg.connect(tenant.goatherd.url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '100ms'")
        erased = erased_values(connection, settings, UUID(creator_id))
        with lock():
            found = find_remains(
                connection,
                settings,
                erased,
                SearchedPlaces(data_dir=None, redis_url=None),
                projections=[],
                show=unseen,
                within_seconds=seconds,
            )
        assert timeout_of(connection) == "0"
    return found


def timeout_of(connection: Connection[TupleRow]) -> Any:  # noqa: ANN401
    row = connection.execute("SHOW statement_timeout").fetchone()
    return row and row[0]


def test_a_cancelled_vacuum_leaves_the_time_limit_of_the_connection(home: Tenant):
    with (
        locked(home, "analytics_videos"),
        home.goatherd.store.pool.connection() as connection,
    ):
        before = timeout_of(connection)
        with pytest.raises(psycopg.errors.QueryCanceled):
            analyze(connection, ["analytics_videos"], schema="public", timeout_ms=100)
        after = timeout_of(connection)

    assert (before, after) == ("15s", "15s")


def test_a_table_that_stays_locked_ends_the_search_of_everything(home: Tenant):
    found = searched(home, AMPLE_SECONDS, lambda: locked(home, "analytics_videos"))

    assert not found.ok
    assert found.searched.tables == []
    (gap,) = found.not_searched
    assert gap.place == "all other places"
    assert "another statement has locked" in gap.why


def test_a_table_that_is_locked_after_the_vacuum_ends_the_search(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    # The vacuum is over before the lock, which values of others then meet first.
    monkeypatch.setattr(
        "application.erase.remains.tidy", lambda *_args, **_options: None
    )

    found = searched(home, AMPLE_SECONDS, lambda: locked(home, "creator_list"))

    assert found.searched.tables == []
    assert [gap.place for gap in found.not_searched] == ["all other places"]


def test_values_of_others_and_samples_keep_the_time_of_the_search(home: Tenant):
    for handle in ("sampled.one", "sampled.two", "sampled.three"):
        home.add(handle)
    home.goatherd.catch_up()
    values = [ErasedValue("handle", "sampled.two")]
    of = home.organization_id
    with psycopg.connect(home.goatherd.url, autocommit=True) as connection:
        analyze(connection, ["creator_list"], schema="public")
        (sampled,) = connection.execute(_SAMPLED).fetchone() or (None,)
        terms = SearchTerms([ErasedValue("handle", str(sampled))])
        known = tables_of(connection)
        with locked(home, "creator_list"):
            with pytest.raises(psycopg.errors.QueryCanceled):
                values_of_others(
                    connection,
                    values,
                    organization_id=of,
                    creator_ids=[],
                    limit=TimeLimit(0.2),
                )
            with pytest.raises(psycopg.errors.QueryCanceled):
                search_statistics(
                    connection, known, terms, organization_id=of, limit=TimeLimit(0.5)
                )
