"""Loops at work in threads of the test's own process."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import LiteralString

from application.due.work import NOTICES
from application.due.worker import DueKind, DueWorkers
from infra.database import Pool
from infra.listener import EVENTS, listen
from projections.engine.follower_group import FollowerGroup
from tests.kit.patience import PATIENTLY


@contextmanager
def at_work(
    *loops: Callable[[threading.Event], object], promptly: float = PATIENTLY
) -> Generator[None]:
    """Run each loop until the block ends; then it is told to stop, and must."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=loop, args=(stop,), daemon=True) for loop in loops
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(promptly)
    assert not any(thread.is_alive() for thread in threads)


@contextmanager
def woken(
    loop: Callable[[threading.Event], object],
    url: str,
    *notices: tuple[LiteralString, Callable[[], None]],
) -> Generator[None]:
    """Run a loop until the block ends; notifications of channels wake it."""
    with at_work(loop, lambda stop: listen(url, stop, *notices)):
        yield


@contextmanager
def due_done(url: str, pool: Pool, *kinds: DueKind) -> Generator[None]:
    """Do due work of the kinds until the block ends, as a dispatcher does."""
    workers = DueWorkers(pool, kinds)
    with woken(workers.run, url, (NOTICES, workers.wake)):
        yield


@contextmanager
def followed_by(group: FollowerGroup, url: str) -> Generator[None]:
    """Follow the log with the group until the block ends, as a process does."""
    group.register()
    with woken(group.run, url, (EVENTS, group.wake)):
        yield
