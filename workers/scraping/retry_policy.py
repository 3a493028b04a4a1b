"""Retry policy: the wait after an attempt, and the number of attempts."""

from collections.abc import Mapping

from domain.events import Outcome
from infra.backoff import Backoff

LONGEST_FLOOR_SECONDS = 86_400

_HALF = (0.5, 1.0)

RETRIES: Mapping[Outcome, Backoff] = {
    # A reader that was blocked and soon asks again is blocked for longer.
    "blocked": Backoff(600, 21_600, spread=_HALF, tries=5),
    "rate_limited": Backoff(30, 3_600, spread=_HALF, tries=5),
    "transient": Backoff(10, 3_600, spread=_HALF, tries=5),
    # Only a new release, or a change by the platform, can help.
    "schema_changed": Backoff(3_600, 21_600, spread=_HALF, tries=3),
}
# The policy after an attempt that died. The first attempt was most likely killed from
# outside. Later waits are longer and longer, so that a run that dies together with one
# that kills its worker does not meet it every time.
MAX_ATTEMPTS = 5
DIED = Backoff(4, 500, factor=5, spread=_HALF, tries=MAX_ATTEMPTS)


def is_last(outcome: Outcome, attempt: int) -> bool:
    """Tell whether ``attempt`` (counted from 1) is the last with this outcome."""
    return RETRIES[outcome].is_last(attempt)


def wait(outcome: Outcome, attempt: int, *, floor: float = 0) -> float:
    """Return the seconds to wait after ``attempt``, half of them random.

    The wait is at least ``floor`` (a provider's Retry-After), and at most a day,
    because no source means a year.
    """
    chosen = RETRIES[outcome].seconds(attempt)
    return max(chosen, min(floor, LONGEST_FLOOR_SECONDS))
