"""Recent answers: a lookup by digest is not repeated at each request."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 10_000


class RecentAnswers(Generic[T]):
    """The answers of a lookup, each used for ``keep_for`` seconds.

    The time counts from before the lookup, so that a key or session which another
    process ended is refused that soon. The answer None, for nothing valid, is not kept.
    """

    def __init__(
        self,
        look_up: Callable[[bytes], Awaitable[T | None]],
        *,
        keep_for: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._keep_for = keep_for
        self._clock = clock
        self._kept: dict[bytes, tuple[float, T]] = {}

    async def of(self, digest: bytes) -> T | None:
        """Return the answer for a digest, at most ``keep_for`` seconds old."""
        started_at = self._clock()
        kept = self._kept.get(digest)
        if kept is not None and started_at < kept[0]:
            return kept[1]
        found = await self._look_up(digest)
        if found is None:
            self._kept.pop(digest, None)
            return None
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[digest] = (started_at + self._keep_for, found)
        return found

    def __contains__(self, digest: bytes) -> bool:
        """Tell whether there was an answer a while ago, which may be outdated."""
        return digest in self._kept

    def forget(self) -> None:
        """Look everything up again."""
        self._kept.clear()
