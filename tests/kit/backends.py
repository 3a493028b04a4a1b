"""Killing backends of PostgreSQL, as an operator or a failing network does."""

import psycopg
from psycopg import sql

from infra.embedded.processes import wait_until

_GONE_SECONDS = 20.0

EVERYBODY = sql.SQL("true")
LISTENING = sql.SQL("query LIKE 'LISTEN %'")

_OTHERS = sql.SQL(
    "FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND {}"
)


def terminate(url: str, *, whom: sql.SQL = EVERYBODY) -> int:
    """Kill the database's other backends at once; once all are gone, count them."""
    kill = sql.SQL("SELECT pid, pg_terminate_backend(pid) {}")
    with psycopg.connect(url, autocommit=True) as connection:
        killed = connection.execute(kill.format(_OTHERS.format(whom))).fetchall()
        pids = [pid for pid, _ in killed]

        def gone() -> bool:
            rows = connection.execute(
                "SELECT FROM pg_stat_activity WHERE pid = ANY(%s)", (pids,)
            )
            return rows.fetchone() is None

        assert wait_until(gone, seconds=_GONE_SECONDS)
    return len(pids)


def listeners(url: str) -> int:
    """How many connections listen for new events."""
    count = sql.SQL("SELECT count(*) {}")
    with psycopg.connect(url) as connection:
        row = connection.execute(count.format(_OTHERS.format(LISTENING))).fetchone()
    assert row is not None
    return row[0]
