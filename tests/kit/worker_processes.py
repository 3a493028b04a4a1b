"""Workers in processes of their own, and providers for them that misbehave."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dramatiq

from domain.scrape.verdicts import (
    Blocked,
    Ok,
    Verdict,
)
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store, open_store
from infra.settings import Settings
from tests.kit.faults import kill_group
from tests.kit.jobs import ends_of, jobs_in
from tests.kit.paths import ROOT
from tests.kit.patience import at_most
from tests.kit.threads import at_work
from workers.broker import connect_broker
from workers.dispatcher import Dispatcher
from workers.main import worker_command
from workers.scraping.scrape import ScrapeDependencies, declare_actor
from workers.sources.chain import Chain
from workers.sources.port import (
    Provider,
    Target,
)

PROMPTLY = 5.0
FOLDER = "GOATHERD_TEST_FOLDER"
MISBEHAVING = "tests.kit.worker_processes:set_up"


class Misbehaving(Provider):
    """A provider that treats its worker as the handle says.

    ``poison`` adds a line to the file ``kills`` of the test's folder and kills the
    process, ``gate`` waits until the test's folder has a file
    ``open`` (and makes one, ``there``), ``slow`` takes half a second.
    """

    name = "misbehaving"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def creator_profiles(self, target: Target) -> Verdict:
        if target.handle.startswith("poison"):
            with (self._folder / "kills").open("a") as kills:
                kills.write(f"{target.handle}\n")
            os.kill(os.getpid(), signal.SIGKILL)
        if target.handle.startswith("gate"):
            (self._folder / "there").touch()
            wait_until((self._folder / "open").exists, seconds=60)
        return self.discover_videos(target)

    def discover_videos(self, target: Target) -> Verdict:
        if target.handle.startswith("slow"):
            time.sleep(0.5)
        return Ok(observed_at=datetime(2026, 2, 2, tzinfo=UTC))

    video_stats = discover_videos


class Refused(Provider):
    """A provider that is turned away each time."""

    name = "refused"

    def creator_profiles(self, target: Target) -> Verdict:
        return Blocked(f"Nobody may see @{target.handle}.")

    discover_videos = video_stats = creator_profiles


def set_up() -> None:
    """Do what ``workers.main:set_up`` does, with a chain of the providers above."""
    settings = Settings.from_environment(os.environ)
    assert settings.database_url is not None
    assert settings.redis_url is not None
    store = open_store(settings.database_url, pool_size=8, settings=settings)
    broker = connect_broker(settings.redis_url)
    provider = Misbehaving(Path(os.environ[FOLDER]))
    dependencies = ScrapeDependencies(
        store=store,
        chain=Chain(Refused(), provider),
        lease_seconds=settings.lease_seconds,
    )
    declare_actor(broker, dependencies)
    dramatiq.set_broker(broker)


@contextmanager
def dispatcher_at_work(
    store: Store, database_url: str, redis_url: str
) -> Iterator[None]:
    dispatcher = Dispatcher(store, connect_broker(redis_url), url=database_url)
    with at_work(dispatcher.run, promptly=at_most(PROMPTLY)):
        yield


@contextmanager
def worker_process(
    environment: dict[str, str], *, set_up: str = "workers.main:set_up"
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process group of its own, which must stop gently unless killed."""
    settings = Settings.from_environment(environment)
    command = worker_command(sys.executable, settings)
    process = subprocess.Popen(
        [set_up if part == "workers.main:set_up" else part for part in command],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
        process.terminate()
        process.wait(at_most(PROMPTLY + 8))
    finally:
        kill_group(process)
    # Dramatiq itself ends with 1 where one of its processes was killed.
    assert process.returncode in (0, 1, -signal.SIGKILL)


def done(store: Store) -> int:
    return sum(job["state"] == "done" for job in jobs_in(store))


def results(store: Store) -> list[int]:
    """How many results each requested run has, without repeating a number."""
    runs = [job["scrape_id"] for job in jobs_in(store)]
    return sorted({len(ends) for ends in ends_of(store, runs).values()})
