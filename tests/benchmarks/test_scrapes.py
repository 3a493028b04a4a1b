"""Scrapes through the whole path, against messages that do nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import redis
from dramatiq import Message

from domain import events as e
from domain.scrape.observations import ProfileObservation
from infra.embedded.processes import wait_until
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.settings import Settings
from tests.benchmarks.harness import Report, interleaved, seconds
from tests.benchmarks.noop import ACTOR, QUEUE
from tests.benchmarks.serving import running
from tests.kit.builders import Home, asking, make_home
from workers.broker import connect_broker
from workers.main import worker_command
from workers.sources.recordings.file_format import Observation, encode_observation

CREATORS = 50
SCRAPES = 2_000
MESSAGES = 10_000
PROCESSES = 2

_HOW = (
    f"Scrapes: {SCRAPES:,} profile scrapes are requested in one append; the time ends "
    "when the last result is in the log. Dispatcher, Valkey, "
    f"{PROCESSES} worker processes, the replay provider without latency. The floor is "
    f"{MESSAGES:,} messages on the same broker to {PROCESSES} Dramatiq processes with "
    "as many threads, whose actor does nothing."
)


def test_scrapes_through_the_whole_path(
    store: Store, database_url: str, redis_url: str, tmp_path: Path, report: Report
):
    home = make_home(store)
    recording = tmp_path / "recording.jsonl"
    recording.write_bytes(b"\n".join(map(encode_observation, seen())))
    added = home.add(*handles())
    population = [addition.creator_id for addition in added if addition.creator_id]
    assert len(population) == CREATORS
    settings = {
        "database_url": database_url,
        "redis_url": redis_url,
        "providers": "replay",
        "recordings": str(recording),
        "worker_processes": str(PROCESSES),
    }

    with whole_path(settings), noop_workers(redis_url):
        assert wait_until(lambda: all_done(store, store.head()), seconds=60)
        ours, floor = interleaved(
            lambda: SCRAPES / seconds(lambda: scrape_all(store, home, population)),
            lambda: MESSAGES / seconds(lambda: send_all(redis_url)),
            rounds=3,
        )

    assert ended_well(store) == 2 * CREATORS + 4 * SCRAPES
    report.compare(
        "Scrapes through the whole path",
        ours=ours,
        floor=floor,
        unit="a second",
        at_least=0.15,
        how=_HOW,
    )


def handles() -> list[str]:
    return [f"goat{number}" for number in range(CREATORS)]


def seen() -> Iterator[Observation]:
    for number, handle in enumerate(handles()):
        yield Observation(
            observed_at=datetime(2026, 2, 2, tzinfo=UTC),
            handle=handle,
            profile=ProfileObservation(follower_count=number, video_count=12),
        )


@contextmanager
def whole_path(settings: dict[str, str]) -> Iterator[None]:
    """The dispatcher and the workers, as real processes with these settings."""
    read = Settings.from_environment(
        {f"GOATHERD_{name.upper()}": value for name, value in settings.items()}
    )
    workers = worker_command("python", read)[1:]
    with (
        running(["-m", "api.cli", "dispatch"], **settings),
        running(workers, **settings),
    ):
        yield


@contextmanager
def noop_workers(redis_url: str) -> Iterator[None]:
    threads = str(Settings().worker_threads)
    command = ["-m", "dramatiq", "tests.benchmarks.noop:set_up", "--skip-logging"]
    command += ["--processes", str(PROCESSES), "--threads", threads, "--queues", QUEUE]
    with running(command, redis_url=redis_url):
        yield


def scrape_all(store: Store, home: Home, population: list[UUID]) -> None:
    """Ask for many runs at once and wait until the last has its result."""
    entries = [
        NewEvent(
            new_id(),
            1,
            e.ScrapeRequested(
                organization_id=home.organization_id,
                project_id=home.project_id,
                creator_id=population[number % CREATORS],
                handle=f"goat{number % CREATORS}",
                job_type="creator_profiles",
                trigger="manual",
            ),
        )
        for number in range(SCRAPES)
    ]
    last = store.append(entries, context=asking("bench"))[-1].position
    assert wait_until(lambda: all_done(store, last), seconds=120)


def send_all(redis_url: str) -> None:
    """Send many messages and wait until each was handled."""
    broker = connect_broker(redis_url)
    broker.declare_queue(QUEUE)
    for _ in range(MESSAGES):
        message: Message[None] = Message(
            queue_name=QUEUE, actor_name=ACTOR, args=(), kwargs={}, options={}
        )
        broker.enqueue(message)
    with redis.Redis.from_url(redis_url) as connection:
        waiting = f"goatherd:{QUEUE}.msgs"
        assert wait_until(lambda: connection.hlen(waiting) == 0, seconds=120)


def all_done(store: Store, position: int) -> bool:
    """Tell whether every run asked for up to a position has ended."""
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT position >= %s AND NOT EXISTS ("
            "SELECT FROM scrape_job WHERE state <> 'done') "
            "FROM projection WHERE name = 'scrape_jobs'",
            (position,),
        ).fetchone()
    return row is not None and row[0]


def ended_well(store: Store) -> int:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM goatherd_events WHERE topic = 'scrape_succeeded'"
        ).fetchone()
    assert row is not None
    return row[0]
