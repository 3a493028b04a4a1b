"""The check of the whole log, against reading and hashing its bytes."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from time import perf_counter

import psycopg

from application.integrity.make_root import make_root
from application.integrity.verify import RANGE, verify
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, interleaved
from tests.benchmarks.histories import busy_log
from tests.kit.builders import asking
from tests.kit.tampered_log import SIGNER

EVENTS = 400_000
EVENTS_AT_ONCE = 4_000
ROOTS = 4
_READ = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at,
       actor, correlation_id, causation_id, digest FROM goatherd_events
WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
_HOW = (
    f"Check of the log: {EVENTS:,} events of creators that are added and scraped, with "
    f"{ROOTS} roots, by `goatherd verify` on all cores, processes and their start "
    "included. The floor reads the same columns in order of position, on one "
    "connection, and hashes text, body and digest of each event with SHA-256."
)


def test_the_log_is_checked_about_as_fast_as_it_can_be_read_and_hashed(
    store: Store, database_url: str, report: Report
):
    events = _events()
    for number in range(EVENTS // EVENTS_AT_ONCE):
        store.append(list(islice(events, EVENTS_AT_ONCE)), context=asking("bench"))
        if number % (EVENTS // EVENTS_AT_ONCE // ROOTS) == 1:
            make_root(store, SIGNER, context=asking())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE goatherd_events")

    def check() -> float:
        began = perf_counter()
        found = verify(database_url, key=SIGNER.key)
        assert found.misfits == []
        assert found.roots == ROOTS
        return found.events / (perf_counter() - began)

    def read_and_hash() -> float:
        began, read, after = perf_counter(), 0, 0
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.cursor(binary=True)
            while rows := cursor.execute(_READ, (after, RANGE)).fetchall():
                for after, stream, _, name, body, _, actor, of, because, digest in rows:  # noqa: B007
                    words = f"{actor}\n{of}\n{because}\n{name}\n".encode()
                    sha256(stream.bytes + words + body + digest).digest()
                read += len(rows)
        return read / (perf_counter() - began)

    ours, floor = interleaved(check, read_and_hash)
    report.compare(
        "Check of the log, on all cores",
        ours=ours,
        floor=floor,
        unit="events/s",
        at_least=0.5,
        how=_HOW,
    )


def _events() -> Iterator[NewEvent]:
    for entries in busy_log(EVENTS + EVENTS_AT_ONCE):
        yield from entries
