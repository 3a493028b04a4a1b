"""The number of unread news of each user, which pages show at the bell."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final
from uuid import UUID

from api.http.access.auth import Principal

# The number may be so old.
_CACHE_SECONDS: Final = 5.0
_MAX_CACHED: Final = 10_000


class UnreadNews:
    """Counts the unread news of users, each once in a few seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._counts: dict[tuple[UUID, str], tuple[float, int]] = {}

    async def of(
        self, principal: Principal, count: Callable[[], Awaitable[int]]
    ) -> int:
        """Return the number, which may be some seconds old."""
        key = (principal.organization_id, principal.actor)
        known = self._counts.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        amount = await count()
        if len(self._counts) >= _MAX_CACHED:
            self._counts.clear()
        self._counts[key] = (self._clock() + _CACHE_SECONDS, amount)
        return amount

    def forget(self, principal: Principal) -> None:
        """Count anew next time."""
        self._counts.pop((principal.organization_id, principal.actor), None)
