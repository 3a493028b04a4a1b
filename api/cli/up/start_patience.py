"""Patience at the start: it lasts as long as the processes make progress."""

from collections.abc import Callable
from time import monotonic
from typing import Final

# A start that neither works nor gets any further for this long is given up.
SECONDS: Final = 60.0
# Idle processes need less of this in the time above.
CPU_SECONDS: Final = 2.0
# A person who waits learns the reason this often.
REPORT_SECONDS: Final = 15.0


class StartPatience:
    """Decides when to tell why a start takes long, and when to give it up."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._why_not = ""
        self._cpu_seconds = 0.0
        self._progress_at = self._reported_at = clock()

    def is_over(self, why_not: str, cpu_seconds: float) -> bool:
        """Return whether nothing has got any further for a minute.

        Progress is another reason why Goatherd is not ready, or processor time that its
        processes used; ``cpu_seconds`` is the sum so far.
        """
        now = self._clock()
        if why_not != self._why_not or cpu_seconds - self._cpu_seconds >= CPU_SECONDS:
            self._why_not, self._cpu_seconds = why_not, cpu_seconds
            self._progress_at = now
        return now - self._progress_at >= SECONDS

    def is_report_due(self) -> bool:
        """Return whether to report the reason now."""
        now = self._clock()
        if now - self._reported_at < REPORT_SECONDS:
            return False
        self._reported_at = now
        return True
