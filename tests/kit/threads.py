"""Loops at work in threads of the test's own process."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

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
def followed_by(group: FollowerGroup, url: str) -> Generator[None]:
    """Follow the log with the group until the block ends, as a process does."""

    def listening(stop: threading.Event) -> None:
        listen(url, stop, (EVENTS, group.wake))

    group.register()
    with at_work(group.run, listening):
        yield
