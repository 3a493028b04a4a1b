"""The time that tests give: to what must happen, and at most to what must be quick."""

import os

PATIENTLY = 120.0
"""Seconds to wait for what must happen; only a test that fails waits so long."""


def at_most(seconds: float) -> float:
    """Return the time for what takes less than ``seconds`` on a machine of its own.

    The load is the number of processes that want a processor. Where there are more of
    them than processors, everything takes as many times longer.
    """
    processors = os.cpu_count() or 1
    return seconds * max(1.0, os.getloadavg()[0] / processors)
