"""Threads for calls to other hosts: slow hosts delay these threads and nothing else."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 4
# Further calls would wait for a thread longer than a browser waits for a page.
MOST_CALLS = 12
MOST_OF_ONE = 2


class OutboundBusyError(Exception):
    """Too many calls to other hosts wait for their answers."""


class OutboundCalls:
    """Runs a few blocking calls at a time, apart from all other threads.

    At most ``most`` calls may run or wait for a thread, and at most ``most_of_one``
    with the same ``of``. Further calls are refused at once.
    """

    def __init__(
        self,
        *,
        threads: int = THREADS,
        most: int = MOST_CALLS,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="outbound")
        self._most = most
        self._most_of_one = most_of_one
        self._calls: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], T], *, of: Hashable = None) -> T:
        """Return the result of a call.

        Raises:
            OutboundBusyError: too many calls run or wait, in all or for one ``of``.
        """
        with self._lock:
            is_full = self._calls.total() >= self._most
            if is_full or (of is not None and self._calls[of] >= self._most_of_one):
                raise OutboundBusyError
            self._calls[of] += 1

        def counted() -> T:
            # This is not the place that awaits it, because a browser may leave before
            # the end.
            try:
                return call()
            finally:
                with self._lock:
                    self._calls[of] -= 1

        try:
            future = self._threads.submit(counted)
        except RuntimeError:
            # The server is stopping.
            raise OutboundBusyError from None
        return await asyncio.wrap_future(future)
