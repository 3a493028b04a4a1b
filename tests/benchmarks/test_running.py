"""The whole service at work: the delay until an append is visible, and its memory.

The projector, the dispatcher, the worker and the API are real processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

import psutil
from psycopg import Connection
from psycopg.rows import TupleRow

from api.system.all_projections import ALL_PROJECTIONS
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, Row, percentile
from tests.benchmarks.histories import a_creator, addition, busy_log
from tests.benchmarks.serving import SECRET, a_tenant, running, serving
from tests.kit.builders import asking

APPENDS_A_SECOND = 100
SECONDS = 20
VISIBLE_BAR_MS = 100
MEMORY_AT = (10_000, 50_000, 100_000)


def test_an_append_is_soon_seen_in_the_list(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    appended: dict[int, float] = {}
    seen: dict[int, float] = {}

    with (
        running(["-m", "api.cli", "project"], database_url=database_url),
        store.pool.connection() as connection,
    ):
        assert wait_until(lambda: position_in(connection) > 0, seconds=30)
        began = perf_counter()
        for number in range(APPENDS_A_SECOND * SECONDS):
            due = began + number / APPENDS_A_SECOND
            while (left := due - perf_counter()) > 0:
                note_seen(connection, appended, seen)
                sleep(min(left, 0.001))
            creator = a_creator(tenant.organization_id, tenant.project_id, number)
            (event,) = store.append(addition(creator)[:1], context=asking("bench"))
            appended[event.position] = perf_counter()
        assert wait_until(
            lambda: note_seen(connection, appended, seen) == len(appended), seconds=30
        )

    taken = [1_000 * (seen[position] - appended[position]) for position in appended]
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    report.add(
        Row(
            what=f"Append to visible in the list, {APPENDS_A_SECOND} events a second",
            ours=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {max(taken):.1f} ms",
            bar=(f"p99 under {VISIBLE_BAR_MS} ms", p99 < VISIBLE_BAR_MS),
            how="Append to visible: from the append's return until the list's "
            f"checkpoint has passed it, queried about every ms, for {SECONDS} s.",
        )
    )


def test_no_process_grows_with_the_log(
    store: Store, database_url: str, redis_url: str, report: Report
):
    a_tenant(store)
    settings = {"database_url": database_url, "redis_url": redis_url}
    written = 0
    log = busy_log(MEMORY_AT[-1] + 1_000)

    with all_processes(settings) as processes, store.pool.connection() as connection:
        sizes: dict[str, list[float]] = {name: [] for name in processes}
        for goal in MEMORY_AT:
            while written < goal:
                entries = next(log)
                store.append(entries, context=asking("bench"))
                written += len(entries)
            assert wait_until(lambda: everybody_is_level(connection), seconds=300)
            for name, process in processes.items():
                sizes[name].append(resident_megabytes(process))

    at = ", ".join(f"{goal:,}" for goal in MEMORY_AT)
    for name, megabytes in sizes.items():
        report.add(
            Row(
                what=f"Memory of the {name} after {at} events",
                ours=", ".join(f"{size:.0f}" for size in megabytes) + " MB",
                how="Memory: resident, of the process and its children.",
            )
        )


@contextmanager
def all_processes(settings: dict[str, str]) -> Iterator[dict[str, psutil.Process]]:
    command = ["-m", "api.cli"]
    with (
        running([*command, "project"], **settings) as projector,
        running([*command, "dispatch"], **settings) as dispatcher,
        running([*command, "work"], **settings) as worker,
        serving("api.main:create", secret=SECRET, **settings) as port,
    ):
        api = next(
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port  # pyright: ignore[reportAttributeAccessIssue]
        )
        assert api is not None
        yield {
            "projector": psutil.Process(projector.pid),
            "dispatcher": psutil.Process(dispatcher.pid),
            "worker": psutil.Process(worker.pid),
            "API": psutil.Process(api),
        }


def position_in(connection: Connection[TupleRow]) -> int:
    row = connection.execute(
        "SELECT position FROM projection WHERE name = 'creator_list'"
    ).fetchone()
    return 0 if row is None else row[0]


def note_seen(
    connection: Connection[TupleRow],
    appended: dict[int, float],
    seen: dict[int, float],
) -> int:
    reached, now = position_in(connection), perf_counter()
    for position in appended:
        if position <= reached and position not in seen:
            seen[position] = now
    return len(seen)


def everybody_is_level(connection: Connection[TupleRow]) -> bool:
    row = connection.execute(
        "SELECT count(*) = %s AND min(position) >= "
        "(SELECT max(notification_id) FROM goatherd_events) FROM projection",
        (len(ALL_PROJECTIONS),),
    ).fetchone()
    return row is not None and row[0]


def resident_megabytes(process: psutil.Process) -> float:
    everyone = [process, *process.children(recursive=True)]
    return sum(each.memory_info().rss for each in everyone) / 1_000_000
