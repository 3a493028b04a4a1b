"""Rebuilding analytics, and following it, against reading and decoding the log."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import psutil
import psycopg
import pytest

from infra.eventstore.store import Store
from projections.analytics.projection import AnalyticsProjection
from projections.engine.follower import CATCHING_UP_BATCH, Follower
from projections.rebuild.rebuild import rebuild
from tests.benchmarks.harness import Report, Rounds, Row
from tests.benchmarks.test_analytics import Population, population

GOATHERD = Path(sys.executable).parent / "goatherd"
_REBUILD_HOW = (
    "Rebuild of analytics: creators of 300 videos each, scraped every 6 hours for 30 "
    "days; one process, from the command to the swap, including the comparison of all "
    "rows. The floor reads and decodes the same events in one process. The follower "
    "reads the same log from the beginning, as `goatherd project` does."
)
_STALL_HOW = (
    "Swap: `goatherd rebuild analytics` as a process of its own, while one connection "
    "reads the live tables without a pause. The floor is the longest delay of a "
    "process that only sleeps a millisecond at a time, which is how long the machine "
    "itself let a process wait."
)
# Wakes every millisecond, until there is something to read, and says how late at most.
_SLEEPER = """
import select, sys, time
most = 0.0
while True:
    began = time.perf_counter()
    if select.select([sys.stdin], [], [], 0.001)[0]:
        break
    most = max(most, time.perf_counter() - began - 0.001)
print(1_000 * most)
"""
_LOG = """
SELECT notification_id, topic, state FROM goatherd_events
WHERE notification_id > %s ORDER BY notification_id LIMIT 1000
"""
_READ = """
SELECT slot, views FROM analytics_video_rollups
WHERE organization_id = %s AND id = %s AND slot > 0
"""


@pytest.mark.timeout(1_500)
def test_a_rebuild_of_analytics_against_reading_and_decoding(
    store: Store, database_url: str, report: Report
):
    found = population(
        store, creators=28, videos=300, looks=120, every=timedelta(hours=6)
    )
    millions = f"{found.observations / 1e6:.0f} million observations"
    followed = Rounds((follow(found),))
    decode(found)
    turns = [(again(found), decode(found)) for _ in range(3)]
    rebuilt, decoded = (Rounds(values) for values in zip(*turns, strict=True))

    report.compare(
        f"Rebuild of analytics, {millions}",
        ours=rebuilt,
        floor=decoded,
        unit="observations/s",
        at_least=0.25,
        how=_REBUILD_HOW,
    )
    report.add(
        Row(
            what=f"Follower of analytics catching up, {millions}",
            ours=followed.written("observations/s"),
            floor=f"{rebuilt.median:,.0f} observations/s, rebuilt",
            ratio=Rounds((followed.median / rebuilt.median,)).written(),
            bar=("at least 0.5", followed.median >= 0.5 * rebuilt.median),
            how=_REBUILD_HOW,
        )
    )
    report.add(*swap(found, database_url, millions))


def follow(found: Population) -> float:
    store = found.store
    follower = Follower(AnalyticsProjection(), pool=store.pool, codec=store.codec)
    follower.register()
    began = perf_counter()
    while follower.step(CATCHING_UP_BATCH):
        pass
    return found.observations / (perf_counter() - began)


def again(found: Population) -> float:
    began = perf_counter()
    rebuilt = rebuild(found.store, AnalyticsProjection(), by="bench")
    assert rebuilt.comparison.is_equal
    return found.observations / (perf_counter() - began)


def decode(found: Population) -> float:
    began = perf_counter()
    position = 0
    with found.store.pool.connection() as connection:
        cursor = connection.cursor(binary=True)
        while rows := cursor.execute(_LOG, (position,)).fetchall():
            for _, name, body in rows:
                found.store.codec.decode(name, body)
            position = rows[-1][0]
    return found.observations / (perf_counter() - began)


def swap(found: Population, database_url: str, millions: str) -> list[Row]:
    """Rebuild in another process, and report its memory and what readers felt."""
    done = threading.Event()
    slowest = [0.0]
    params = (found.organization_id, found.creators[0])

    def read() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not done.is_set():
                began = perf_counter()
                assert connection.execute(_READ, params, prepare=True).fetchall()
                slowest[0] = max(slowest[0], (perf_counter() - began) * 1_000)

    process = subprocess.Popen(
        [GOATHERD, "rebuild", "analytics", "--json"],
        env={**os.environ, "GOATHERD_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
    )
    most = [0]

    # Not what the system counts as its most: that begins with what this process had
    # when it started it.
    def weigh() -> None:
        seen = psutil.Process(process.pid)
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            while not done.wait(0.02):
                most[0] = max(most[0], seen.memory_info().rss)

    sleeper = subprocess.Popen(
        [sys.executable, "-c", _SLEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    threads = [threading.Thread(target=work) for work in (read, weigh)]
    for thread in threads:
        thread.start()
    answered, _ = process.communicate()
    done.set()
    for thread in threads:
        thread.join()
    late, _ = sleeper.communicate("\n")
    assert process.returncode == 0
    answer = json.loads(answered)[0]
    megabytes = most[0] / 1_000_000
    locked = float(answer["swap"]["locked_ms"])
    return [
        Row(
            what=f"Most memory of a rebuild, {millions}",
            ours=f"{megabytes:.0f} MB",
            bar=("under 512 MB", megabytes < 512),
            how=_STALL_HOW,
        ),
        Row(
            what=f"Swap, tables locked, {millions}",
            ours=f"{locked:.1f} ms",
            bar=("under 50 ms", locked < 50),
            how=_STALL_HOW,
        ),
        Row(
            what=f"Slowest read during it, {millions}",
            ours=f"{slowest[0]:.1f} ms",
            floor=f"{float(late):.1f} ms",
            bar=("under 100 ms", slowest[0] < 100),
            how=_STALL_HOW,
        ),
    ]
