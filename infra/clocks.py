"""Clocks: how far the clocks of all processes differ from the database's."""

import time
from collections.abc import Iterable, Mapping

# A slow answer explains less than this; a clock that is off by more can't be trusted.
OFF_SECONDS = 5.0
MEASURE_EVERY_SECONDS = 30.0

# Both statements take the time of this process as ``now``, in seconds since 1970.
MEASURE = """
WITH gone AS (
    DELETE FROM worker_clock
    WHERE abs(extract(epoch FROM clock_timestamp() - measured_at)) > 600
)
INSERT INTO worker_clock (process, offset_seconds, measured_at)
SELECT %(process)s, %(now)s - extract(epoch FROM at)::float8, at
FROM clock_timestamp() AS at
ON CONFLICT (process) DO UPDATE SET offset_seconds = excluded.offset_seconds,
    measured_at = excluded.measured_at
"""
OFFSETS = """
SELECT NULL, %(now)s - extract(epoch FROM clock_timestamp())::float8
UNION ALL
SELECT process, offset_seconds FROM worker_clock
WHERE abs(extract(epoch FROM clock_timestamp() - measured_at)) < 120
"""


def now() -> Mapping[str, float]:
    """Return the parameters of both statements, except the process's name."""
    return {"now": time.time()}


def clocks_off(
    offsets: Iterable[tuple[str | None, float]], *, names_workers: bool
) -> str | None:
    """Return a sentence about the most deviant clock, None if all are right.

    ``offsets`` are seconds ahead of the database's clock, by process; None is this one.
    """
    worst = max(offsets, key=lambda each: abs(each[1]), default=(None, 0.0))
    process, seconds = worst
    if abs(seconds) <= OFF_SECONDS:
        return None
    whose = "this machine"
    if process is not None:
        whose = f"worker {process}" if names_workers else "a worker"
    where = "ahead of" if seconds > 0 else "behind"
    return f"the clock of {whose} is {abs(seconds):.0f} s {where} the database's"
