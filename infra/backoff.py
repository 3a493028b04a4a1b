"""Back-off: the wait before the next try, which grows with each failure in a row."""

from math import inf
from random import uniform

from msgspec import Struct

# After so many steps, every wait in use has reached its longest.
_MOST_STEPS = 60


class Backoff(Struct, frozen=True):
    """Waits from ``first`` to ``longest`` seconds, each ``factor`` times as long.

    A wait is multiplied by a random number between the two of ``spread``, so that
    processes which failed together do not try again together. ``tries`` counts all
    tries, the first one included; None is no limit.
    """

    first: float
    longest: float = inf
    factor: float = 2.0
    spread: tuple[float, float] = (0.5, 1.5)
    tries: int | None = None

    def seconds(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, at least 1."""
        grown = self.first * self.factor ** min(failures - 1, _MOST_STEPS)
        return min(grown, self.longest) * uniform(*self.spread)  # noqa: S311

    def is_last(self, failures: int) -> bool:
        """Return whether no try follows after so many failures."""
        return self.tries is not None and failures >= self.tries
