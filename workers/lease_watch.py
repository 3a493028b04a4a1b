"""Leases of dead processes, found by a clock that only goes forward.

A lease is stored as the time of its end, by the database's clock. If that clock is set
back, the lease of a dead process would last longer by as much. A living holder renews
its lease, which changes it; a lease that stays the same has ended.
"""

from collections.abc import Hashable, Mapping
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LeaseWatch(Generic[K, V]):
    """Remembers since when each lease has had its end, by the monotonic clock.

    ``seconds`` is the length of a lease that nobody renews.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[K, tuple[V, float]] = {}

    def ended(self, leases: Mapping[K, V]) -> dict[K, V]:
        """Return the present leases that have stayed the same for so long."""
        now = monotonic()
        before = self._seen
        self._seen = {
            key: before[key]
            if key in before and before[key][0] == until
            else (until, now)
            for key, until in leases.items()
        }
        return {
            key: until
            for key, (until, since) in self._seen.items()
            if now - since > self._seconds
        }
