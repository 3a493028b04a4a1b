"""Companions: threads that work on slices while their fellows wait for PostgreSQL."""

import gc
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from infra.database import Pool
from infra.eventstore.codec import Codec
from projections.engine.projection import Sliced
from projections.rebuild.catch_up import OUTAGES
from projections.rebuild.slices import (
    Slice,
    lease_slice,
    release_slice,
    slices_left,
    work_on_one_slice,
)

# With the fellow as many as a machine of two cores needs: PostgreSQL has one of them to
# itself only where somebody always has something for it.
_MORE = 2
# Who waits for the last slices of a stage asks so often whether the next one began.
PAUSE_SECONDS = 0.01
# A batch makes thousands of objects and no cycle. By default each few hundred of them
# would be looked through for one, which took an eighth of a rebuild's time.
_OBJECTS_AT_ONCE = 50_000


class _StoppedError(Exception):
    """The block was left."""


def see_done(
    pool: Pool,
    codec: Codec,
    projection: Sliced,
    leased: Slice,
    *,
    go_on: Callable[[], object],
) -> None:
    """Work on a slice to its end, or until ``go_on`` raises: then it is given back.

    Or whoever goes on with it would wait until the lease ends.
    """
    try:
        go_on()
        while work_on_one_slice(pool, codec, projection, leased) == "more":
            go_on()
    except BaseException:
        with suppress(*OUTAGES):
            release_slice(pool, leased)
        raise


@contextmanager
def companions(
    pool: Pool, codec: Codec, projection: Sliced, *, by: str
) -> Generator[Callable[[], None]]:
    """Work on slices in threads of their own until the block is left.

    Each needs a connection of the pool. What is yielded raises what ended one of them,
    if anything did.
    """
    stop = threading.Event()
    failures: list[BaseException] = []

    def go_on() -> None:
        if stop.is_set():
            raise _StoppedError

    def work() -> None:
        try:
            while not stop.is_set():
                leased = lease_slice(pool, projection, by=by)
                if leased is not None:
                    see_done(pool, codec, projection, leased, go_on=go_on)
                elif slices_left(pool, projection):
                    stop.wait(PAUSE_SECONDS)
                else:
                    return
        except _StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            failures.append(error)

    def check() -> None:
        if failures:
            raise failures[0]

    threads = [
        threading.Thread(target=work, name=by, daemon=True) for _ in range(_MORE)
    ]
    for thread in threads:
        thread.start()
    try:
        yield check
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def meanwhile(work: Callable[[], object]) -> Generator[None]:
    """Do some work in a thread while the block runs; in the end raise what ended it."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        done = thread.submit(work)
        yield
        done.result()


@contextmanager
def collecting_rarely() -> Generator[None]:
    """Let Python look for cycles more rarely until the block is left."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_AT_ONCE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
