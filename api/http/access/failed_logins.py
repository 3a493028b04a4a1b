"""A limit on requests with invalid keys, by address."""

import math
import time
from collections.abc import Callable

from api.http.access.addresses import source_of
from api.http.errors import ApiError, Code

_MAX_ADDRESSES = 10_000


class FailedLogins:
    """Counts invalid keys by address, and refuses more than ``limit`` in ``window`` s.

    Only failures are counted and refused: a valid key is never slowed down, whatever
    other clients with the same address do. If there are too many addresses, the oldest
    are forgotten. ``refusal`` is the sentence for the client; limits on other kinds of
    requests have another one.
    """

    def __init__(
        self,
        *,
        limit: int = 20,
        window: float = 60.0,
        refusal: str = "Too many failed attempts to authenticate.",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._refusal = refusal
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}

    def count(self, address: str) -> None:
        """Count a failure.

        Raises:
            ApiError: ``rate_limit_exceeded``, if there were too many of them.
        """
        source = source_of(address)
        now = self._clock()
        ends_at, count = self._failures.pop(source, (0.0, 0))
        if now >= ends_at:
            ends_at, count = now + self._window, 0
        if len(self._failures) >= _MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[source] = (ends_at, count + 1)
        if count >= self._limit:
            wait = max(1, math.ceil(ends_at - now))
            raise ApiError(
                Code.RATE_LIMIT_EXCEEDED,
                f"{self._refusal} Retry in {wait} s.",
                meta={"retryAfter": wait},
                headers={"Retry-After": str(wait)},
            )
