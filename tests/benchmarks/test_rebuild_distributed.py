"""A rebuild of analytics by one process and by several, and what many would do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import psutil

from infra.embedded.processes import wait_until
from infra.settings import Settings
from infra.store import Store
from projections.analytics import Analytics
from projections.crew import CREW_SHARES, Crew
from projections.rebuilding import Rebuilt, rebuild
from projections.rebuilds import Rebuild
from tests.benchmarks.harness import Report, Row
from tests.benchmarks.serving import running
from tests.benchmarks.test_analytics import herd
from workers.broker import (
    REBUILDS_QUEUE,
    connect_broker,
    ring_rebuild,
    waiting_messages,
)
from workers.main import worker_command
from workers.rebuild_slices import bell

CREATORS, VIDEOS, LOOKS = 28, 300, 120
MACHINES = 16
DATABASE_CORES = (2, 16)
_HOW = (
    f"Rebuild of analytics: {CREATORS} creators of {VIDEOS} videos, looked at {LOOKS} "
    "times; from its beginning to the swap, the comparison with all live rows "
    "included, which must be equal. By this process alone, then the same with this "
    "process waiting for `goatherd work` processes on the same machine. One run each. "
    "The floor of the others is the one process; the ratio is the speed-up."
)
_MODEL_HOW = (
    "Model, not a measurement: what is serial (cutting, filling, comparing, swapping) "
    "and the longest slice of each stage as the one process took them; the rest of its "
    "time for slices divided by the machines, one process each, or PostgreSQL's "
    "processor time for slices divided by its cores, whichever is longer. Disks, "
    "networks and locks cost nothing in it."
)
_STAGES = """
SELECT stage, count(*), coalesce(sum(working_seconds), 0),
       coalesce(max(working_seconds), 0)
FROM projection_slice WHERE name = 'analytics' GROUP BY stage, stage_number
ORDER BY stage_number
"""


class Measured(msgspec.Struct, kw_only=True):
    """How long one rebuild took, and whose time it was (in seconds)."""

    total: float
    slices: float = 0
    here: float = 0
    database: float = 0
    stages: list[tuple[str, int, float, float]] = []

    @property
    def serial(self) -> float:
        return self.total - self.slices

    def modelled(self, *, machines: int, cores: int) -> tuple[float, str]:
        """Return how long so many would take, and what then bounds them."""
        longest = sum(longest for *_, longest in self.stages)
        work = {
            "the machines' own work": self.slices / machines,
            "PostgreSQL's processors": self.database / cores,
            "the longest slice of each stage": longest,
        }
        bound = max(work, key=lambda what: work[what])
        parts = work | {"what is serial": self.serial}
        return self.serial + work[bound], max(parts, key=lambda what: parts[what])


def database_seconds(store: Store) -> float:
    """Processor time of all of PostgreSQL's processes so far."""
    with store.pool.connection() as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        server = psutil.Process(row[0]).parent()
        assert server is not None
        ended = server.cpu_times()
        spent = ended.children_user + ended.children_system
        for each in server.children():
            times = each.cpu_times()
            spent += times.user + times.system
        return spent


def measured(store: Store, crew: Crew | None) -> Measured:
    """Rebuild once; every row must be the one that is there."""
    began, spent = time.perf_counter(), database_seconds(store)
    here = time.process_time()
    found = Measured(total=0)

    def watch(state: Rebuild) -> None:
        if found.slices or not state.slices or state.slices_done < state.slices:
            return
        found.slices = time.perf_counter() - began
        found.here = time.process_time() - here
        found.database = database_seconds(store) - spent
        with store.pool.connection() as connection:
            rows = connection.execute(_STAGES).fetchall()
        found.stages = [(row[0], row[1], row[2], row[3]) for row in rows]

    done: Rebuilt = rebuild(store, Analytics(), by="bench", watch=watch, crew=crew)
    found.total = time.perf_counter() - began
    assert done.comparison.is_binding
    assert done.comparison.is_equal
    return found


@contextmanager
def workers(database_url: str, redis_url: str, *, processes: int) -> Iterator[None]:
    settings = {
        "database_url": database_url,
        "redis_url": redis_url,
        "worker_processes": str(processes),
    }
    read = Settings.from_environment(
        {f"GOATHERD_{name.upper()}": value for name, value in settings.items()}
    )
    broker = connect_broker(redis_url)
    with running(worker_command("python", read)[1:], **settings):
        # They are up once somebody fetched a message, of rules that nobody has.
        ring_rebuild(broker, "nothing", 0)
        assert wait_until(
            lambda: waiting_messages(broker, queue=REBUILDS_QUEUE) == 0, seconds=60
        )
        yield


def test_a_rebuild_by_several_processes(
    store: Store, database_url: str, redis_url: str, report: Report
):
    found = herd(
        store,
        creators=CREATORS,
        videos=VIDEOS,
        looks=LOOKS,
        every=timedelta(hours=6),
    )
    found.follow()
    said: list[str] = []

    alone = measured(store, None)
    several = {2: alone, 4: alone}
    for processes in several:
        with workers(database_url, redis_url, processes=processes):
            crew = Crew(bell(redis_url), say=said.append, patience_seconds=60)
            several[processes] = measured(store, crew)

    assert not [sentence for sentence in said if "this process" in sentence]
    what = f"Rebuild of analytics, {found.observations:,} observations"
    report.add(Row(what=f"{what}, one process", ours=written(alone), how=_HOW))
    for processes, took in several.items():
        report.add(
            Row(
                what=f"{what}, {processes} worker processes",
                ours=written(took),
                floor=f"{alone.total:.1f} s",
                ratio=f"{alone.total / took.total:.2f}",
                how=_HOW,
            )
        )
    report.add(costs(alone, found.observations), *models(alone))


def written(took: Measured) -> str:
    return f"{took.total:.1f} s, {took.slices:.1f} s of them slices"


def costs(alone: Measured, observations: int) -> Row:
    """Say what a slice costs, by stage and by whose processor."""
    stages = ", ".join(
        f"{stage} {spent / observations * 1e6:.1f} \N{MICRO SIGN}s ({slices} slices, "
        f"the longest {longest:.1f} s)"
        for stage, slices, spent, longest in alone.stages
    )
    return Row(
        what="Cost of slices an observation, one process",
        ours=f"{stages}; processor: ours {alone.here:.1f} s, PostgreSQL's "
        f"{alone.database:.1f} s; serial {alone.serial:.1f} s",
        how=_HOW,
    )


def models(alone: Measured) -> list[Row]:
    rows: list[Row] = []
    for cores in DATABASE_CORES:
        took, bound = alone.modelled(machines=MACHINES, cores=cores)
        rows.append(
            Row(
                what=f"Model: {MACHINES} machines, PostgreSQL on {cores} cores",
                ours=f"{took:.1f} s, bound by {bound} (stages in {CREW_SHARES} shares)",
                ratio=f"{alone.total / took:.1f}",
                how=_MODEL_HOW,
            )
        )
    return rows
