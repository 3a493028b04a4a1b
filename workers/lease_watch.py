"""Leases of the dead, by a clock that only goes forward.

A lease is stored as the time it ends at, by the database's clock. Where that is set
back, a lease of a dead process would last for as long as the clock was set back. A
living holder renews its lease, which changes it; a lease that stays the same has ended.
"""

from collections.abc import Hashable, Mapping
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LeaseWatch(Generic[K, V]):
    """Remembers since when each lease has had its end, by the monotonic clock.

    ``seconds`` is how long a lease lasts that nobody renews.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[K, tuple[V, float]] = {}

    def ended(self, leases: Mapping[K, V]) -> dict[K, V]:
        """Return which of all the leases there are have not changed for so long."""
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
