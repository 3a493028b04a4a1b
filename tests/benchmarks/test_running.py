"""The delay until an append is visible in the list, with a real projector."""

from time import perf_counter, sleep

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, Row, percentile
from tests.benchmarks.histories import a_creator, addition
from tests.benchmarks.serving import a_tenant, running
from tests.kit.builders import asking

APPENDS_A_SECOND = 100
SECONDS = 20
VISIBLE_BAR_MS = 100


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
