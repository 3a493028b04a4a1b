"""The patience of ``goatherd up`` with processes that start."""

import os
import sys
from pathlib import Path

from api.cli.up.reaper import Reaper
from api.cli.up.start_patience import REPORT_SECONDS, SECONDS, StartPatience
from api.cli.up.supervisor import Child, Supervisor
from infra.embedded.processes import wait_until
from tests.kit.patience import PATIENTLY


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_start_that_stands_still_is_given_up_after_a_minute():
    clock = Clock()
    patience = StartPatience(clock)
    over: list[float] = []
    for second in range(0, 100, 10):
        clock.now = second
        if patience.is_over("it does not answer", second * 0.01):
            over.append(second)

    assert over[0] == SECONDS


def test_processor_time_and_another_reason_are_progress():
    clock = Clock()
    patience = StartPatience(clock)
    for number in range(20):
        clock.now += 50
        assert not patience.is_over("it does not answer", 3.0 * number)
    for number in range(20):
        clock.now += 50
        assert not patience.is_over(f"{number} read models are behind", 60.0)

    clock.now += SECONDS
    assert patience.is_over("19 read models are behind", 60.0)


def test_the_reason_is_reported_four_times_a_minute():
    clock = Clock()
    patience = StartPatience(clock)
    reports = 0
    for _ in range(60):
        clock.now += 1
        reports += patience.is_report_due()

    assert reports == 60 / REPORT_SECONDS


def test_the_time_of_processes_counts_those_that_they_start(tmp_path: Path):
    burn = "while True: pass"
    command = (
        f"import subprocess, sys; "
        f"subprocess.Popen([sys.executable, '-c', {burn!r}]).wait()"
    )
    reaper = Reaper(lock=os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR))
    supervisor = Supervisor(reaper)
    try:
        supervisor.start(
            Child(
                "burning",
                command=(sys.executable, "-c", command),
                environment={},
                folder=tmp_path,
                reaper=reaper,
            )
        )
        assert wait_until(lambda: supervisor.cpu_seconds() > 1, seconds=PATIENTLY)
    finally:
        supervisor.stop()
        reaper.close()
    assert supervisor.cpu_seconds() == 0
