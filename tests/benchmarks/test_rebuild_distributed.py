"""A rebuild of analytics by one process and by several, and what many would do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import msgspec
import psutil

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.settings import Settings
from projections.analytics.projection import AnalyticsProjection
from projections.rebuild.errors import CannotNotifyError
from projections.rebuild.rebuild import rebuild
from projections.rebuild.remote_workers import REMOTE_PARTITIONS, RemoteWorkers
from projections.rebuild.state import Rebuild
from tests.benchmarks.harness import Report, Row
from tests.benchmarks.serving import running
from tests.benchmarks.test_analytics import population
from workers.broker import (
    REBUILDS_QUEUE,
    connect_broker,
    enqueue_rebuild,
    waiting_messages,
)
from workers.main import worker_command
from workers.rebuild_worker import rebuild_notifier

CREATORS, VIDEOS, LOOKS = 28, 300, 120
MACHINES = 16
DATABASE_CORES = (2, 16)
_HOW = (
    f"Rebuild of analytics: {CREATORS} creators of {VIDEOS} videos, scraped {LOOKS} "
    "times; from the beginning to the swap, including the comparison with all live "
    "rows, which must be equal. First by this process alone, then with this process "
    "waiting for `goatherd work` processes on the same machine. One run each. The "
    "floor of the others is the one process; the ratio is the speed-up."
)
_MODEL_HOW = (
    "Model: a calculation from processor seconds, not a measurement, because others "
    "use this machine. It adds the serial time of one process (filling, comparing, "
    "swapping) and the longest of three: its seconds for slices divided by the "
    "machines of one process each; PostgreSQL's seconds for slices divided by its "
    "cores; the longest slice of each stage, one after the other. The ratio is to the "
    "processor seconds of one process. Disks, networks and locks cost nothing in it."
)
_STAGES = """
SELECT stage, count(*), coalesce(sum(working_seconds), 0),
       coalesce(max(working_seconds), 0)
FROM projection_slice WHERE name = 'analytics' GROUP BY stage, stage_number
ORDER BY stage_number
"""


class Spent(msgspec.Struct, kw_only=True):
    """Seconds that went by, and of processors: this process's and PostgreSQL's."""

    wall: float
    here: float
    database: float

    def since(self, begin: "Spent") -> "Spent":
        return Spent(
            wall=self.wall - begin.wall,
            here=self.here - begin.here,
            database=self.database - begin.database,
        )

    @property
    def processor(self) -> float:
        return self.here + self.database


class Measured(msgspec.Struct, kw_only=True):
    """The time of one rebuild, the part of its slices, and the slices of each stage.

    A stage has its name, how many slices it has, and the seconds that all of them and
    the longest took.
    """

    total: Spent
    slices: Spent
    stages: list[tuple[str, int, float, float]]

    @property
    def serial(self) -> float:
        """Processor seconds of the serial part."""
        return self.total.processor - self.slices.processor

    def modelled(self, *, machines: int, cores: int) -> tuple[float, str]:
        """Return the seconds of so many machines, and the part that bounds them."""
        longest = sum(longest for *_, longest in self.stages)
        work = {
            "the machines' own work": self.slices.processor / machines,
            "PostgreSQL's processors": self.slices.database / cores,
            "the longest slice of each stage": (
                longest * self.slices.processor / self.slices.wall
            ),
        }
        bound = max(work, key=lambda what: work[what])
        parts = work | {"what is serial": self.serial}
        return self.serial + work[bound], max(parts, key=lambda what: parts[what])


def spent(store: Store) -> Spent:
    return Spent(
        wall=time.perf_counter(),
        here=time.process_time(),
        database=database_seconds(store),
    )


def database_seconds(store: Store) -> float:
    """Processor time of all of PostgreSQL's processes so far."""
    with store.pool.connection() as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        server = psutil.Process(row[0]).parent()
        assert server is not None
        counted = 0.0
        for each in server.children():
            # One that ends just now is counted with those that ended before.
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                counted += times.user + times.system
        ended = server.cpu_times()
        return counted + ended.children_user + ended.children_system


def measured(store: Store, remote_workers: RemoteWorkers | None) -> Measured:
    """Rebuild once; every row must be the one that is there."""
    begin = spent(store)
    slices: list[Spent] = []
    stages: list[tuple[str, int, float, float]] = []

    def watch(state: Rebuild) -> None:
        if slices or not state.slices or state.slices_done < state.slices:
            return
        slices.append(spent(store).since(begin))
        with store.pool.connection() as connection:
            rows = connection.execute(_STAGES).fetchall()
        stages.extend((row[0], row[1], row[2], row[3]) for row in rows)

    done = rebuild(
        store, AnalyticsProjection(), by="bench", watch=watch, remote=remote_workers
    )
    assert done.comparison.is_strict
    assert done.comparison.is_equal
    return Measured(total=spent(store).since(begin), slices=slices[0], stages=stages)


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
        enqueue_rebuild(broker, "nothing", 0)
        assert wait_until(
            lambda: waiting_messages(broker, queue=REBUILDS_QUEUE) == 0, seconds=60
        )
        yield


def test_a_rebuild_by_several_processes(
    store: Store, database_url: str, redis_url: str, report: Report
):
    found = population(
        store,
        creators=CREATORS,
        videos=VIDEOS,
        looks=LOOKS,
        every=timedelta(hours=6),
    )
    found.follow()
    said: list[str] = []

    alone = measured(store, None)
    # As for a crew, so that the model knows slices of the size that they would have.
    finely_cut = measured(store, RemoteWorkers(nobody, report=lambda _: None))
    several = {2: alone, 4: alone}
    for processes in several:
        with workers(database_url, redis_url, processes=processes):
            remote_workers = RemoteWorkers(
                rebuild_notifier(redis_url), report=said.append, patience_seconds=60
            )
            several[processes] = measured(store, remote_workers)

    assert not [sentence for sentence in said if "this process" in sentence]
    what = f"Rebuild of analytics, {found.observations:,} observations"
    report.add(Row(what=f"{what}, one process", ours=written(alone), how=_HOW))
    for processes, took in several.items():
        report.add(
            Row(
                what=f"{what}, {processes} worker processes",
                ours=written(took),
                floor=f"{alone.total.wall:.1f} s",
                ratio=f"{alone.total.wall / took.total.wall:.2f}",
                how=_HOW,
            )
        )
    report.add(costs(finely_cut, found.observations), *models(finely_cut))


def nobody(name: str, version: int) -> None:
    raise CannotNotifyError(f"{name} {version} is rebuilt alone")


def written(took: Measured) -> str:
    return f"{took.total.wall:.1f} s, {took.slices.wall:.1f} s of them slices"


def costs(alone: Measured, observations: int) -> Row:
    """Report the cost of a slice, by stage and by processor."""
    stages = ", ".join(
        f"{stage} {spent / observations * 1e6:.1f} \N{MICRO SIGN}s ({slices} slices, "
        f"the longest {longest:.1f} s)"
        for stage, slices, spent, longest in alone.stages
    )
    return Row(
        what=f"Cost of slices an observation, one process, {REMOTE_PARTITIONS} shares",
        ours=f"{stages}; {alone.slices.wall:.1f} s, of a processor "
        f"{alone.slices.here:.1f} s here and {alone.slices.database:.1f} s PostgreSQL; "
        f"of what is serial {alone.total.wall - alone.slices.wall:.1f} s, of a "
        f"processor {alone.serial:.1f} s",
        how=_HOW,
    )


def models(alone: Measured) -> list[Row]:
    rows: list[Row] = []
    for cores in DATABASE_CORES:
        took, bound = alone.modelled(machines=MACHINES, cores=cores)
        rows.append(
            Row(
                what=f"Model: {MACHINES} machines, PostgreSQL on {cores} cores",
                ours=f"{took:.1f} s, bound by {bound}",
                ratio=f"{alone.total.processor / took:.1f}",
                how=_MODEL_HOW,
            )
        )
    return rows
