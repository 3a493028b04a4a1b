"""The one way in which tests kill, freeze and wake processes."""

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Literal

import psutil

from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from tests.kit.patience import PATIENTLY


class Victim:
    """A process of the test's own that runs one function until it is killed."""

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid is not None
        self._process = process
        self.pid = process.pid

    def kill(self) -> None:
        """End it as the kernel does, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def wait(self, seconds: float = PATIENTLY) -> None:
        """Give it time to end by itself."""
        self._process.join(seconds)


@contextmanager
def victim(
    target: Callable[..., object],
    *arguments: object,
    start: Literal["spawn", "fork", "forkserver"] = "spawn",
    **keywords: object,
) -> Iterator[Victim]:
    """Run a function in a process that does not outlive the block.

    A fork would share this process's connections, so by default it is spawned. The
    processes of ``forkserver`` start sooner from the second one on.
    """
    contexts = {
        "spawn": multiprocessing.get_context("spawn"),
        "fork": multiprocessing.get_context("fork"),
        "forkserver": multiprocessing.get_context("forkserver"),
    }
    process = contexts[start].Process(
        target=_with_traces, args=(target, *arguments), kwargs=keywords, daemon=True
    )
    process.start()
    try:
        yield Victim(process)
    finally:
        process.kill()
        process.join()
        process.close()


def _with_traces(
    target: Callable[..., object],
    *arguments: object,
    **keywords: object,
) -> None:
    """Run a function; a crash below Python prints the stacks of all threads."""
    faulthandler.enable()
    target(*arguments, **keywords)


def kill_process(process: psutil.Process) -> None:
    """Kill somebody else's child, which is not waited for."""
    process.kill()


def freeze_for(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Freeze processes, and wake those that are left after a while."""
    for process in processes:
        process.suspend()
    time.sleep(seconds)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started, as an out-of-memory killer would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENTLY)


def stop_at_once(
    server: EmbeddedPostgres, sent: signal.Signals = signal.SIGQUIT
) -> None:
    """End a PostgreSQL as ``pg_ctl stop -m immediate`` does, or by another signal."""
    assert server.pid is not None
    os.kill(server.pid, sent)
    assert wait_until(lambda: not server.is_running(), seconds=PATIENTLY)
