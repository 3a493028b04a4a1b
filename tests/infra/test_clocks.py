"""Clocks that are off the database's: measured, and found by doctor and readiness."""

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest

from api.system.readiness import readiness_warnings
from infra import clocks
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.settings import Settings
from tests.kit.command_line import CommandLine
from tests.kit.schedule import run_sql
from tests.kit.threads import at_work
from workers.main import keep_clock_measured


@pytest.fixture
def cli(
    command_line: CommandLine,
    tmp_path: Path,
    database_url: str,
    redis_url: str,
) -> CommandLine:
    command_line.set(data_dir=tmp_path, database_url=database_url, redis_url=redis_url)
    return command_line


def seen_by_doctor(cli: CommandLine) -> str:
    out = cli("doctor", "--quick").out
    return next(line for line in out.splitlines() if " clocks: " in f" {line}")


def seen_by_readiness(store: Store, folder: Path) -> str | None:
    checks = dict(readiness_warnings(store.pool, data_dir=folder, settings=Settings()))

    async def ask() -> str | None:
        return await checks["clock"]()

    return asyncio.run(ask())


def measured(store: Store, process: str, *, seconds: float, ago: int = 0) -> None:
    run_sql(
        store,
        "INSERT INTO worker_clock VALUES (%s, %s, "
        "clock_timestamp() - make_interval(secs => %s))",
        process,
        seconds,
        ago,
    )


def test_a_worker_measures_its_clock_and_forgets_those_of_long_ago(store: Store):
    measured(store, "gone", seconds=60, ago=700)
    with at_work(partial(keep_clock_measured, store.pool)):
        assert wait_until(
            lambda: run_sql(store, "SELECT process FROM worker_clock") != [("gone",)],
            seconds=10,
        )

    ((process, offset),) = run_sql(
        store, "SELECT process, offset_seconds FROM worker_clock"
    )
    assert process.endswith(f":{os.getpid()}")
    assert abs(offset) < 2


def test_a_worker_s_clock_that_is_off_is_found(
    cli: CommandLine, store: Store, tmp_path: Path
):
    measured(store, "barn:7", seconds=-4.9)
    measured(store, "shed:8", seconds=90, ago=300)
    well = seen_by_doctor(cli), seen_by_readiness(store, tmp_path)

    measured(store, "barn:9", seconds=-7.2)
    bad = seen_by_doctor(cli), seen_by_readiness(store, tmp_path)

    assert well[0].startswith("ok")
    assert well[1] is None
    assert bad[0] == (
        "WRONG   clocks: The clock of worker barn:9 is 7 s behind the database's."
    )
    assert bad[1] == "the clock of a worker is 7 s behind the database's"


def test_this_machine_s_clock_that_is_off_is_found(
    cli: CommandLine, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clocks, "now", lambda: {"now": time.time() + 10})

    doctor, readiness = seen_by_doctor(cli), seen_by_readiness(store, tmp_path)

    assert "The clock of this machine is 10 s ahead of the database's." in doctor
    assert readiness == "the clock of this machine is 10 s ahead of the database's"
