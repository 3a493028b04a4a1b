"""Retry policy: the wait after an attempt, and the number of attempts."""

import random
from collections.abc import Mapping

import msgspec

from domain.events import Outcome

LONGEST_FLOOR_SECONDS = 86_400


class Retries(msgspec.Struct, frozen=True):
    """Waits in seconds, ``factor`` times as long each time.

    ``tries`` counts all attempts.
    """

    first: float
    longest: float
    tries: int
    factor: int = 2


RETRIES: Mapping[Outcome, Retries] = {
    # A reader that was blocked and soon asks again is blocked for longer.
    "blocked": Retries(600, 21_600, tries=5),
    "rate_limited": Retries(30, 3_600, tries=5),
    "transient": Retries(10, 3_600, tries=5),
    # Only a new release, or a change by the platform, can help.
    "schema_changed": Retries(3_600, 21_600, tries=3),
}
# The policy after an attempt that died. The first attempt was most likely killed from
# outside. Later waits are longer and longer, so that a run that dies together with one
# that kills its worker does not meet it every time.
DIED = Retries(4, 500, tries=5, factor=5)


def is_last(outcome: Outcome, attempt: int) -> bool:
    """Tell whether ``attempt`` (counted from 1) is the last with this outcome."""
    return attempt >= RETRIES[outcome].tries


def wait(outcome: Outcome, attempt: int, *, floor: float = 0) -> float:
    """Return the seconds to wait after ``attempt``, half of them random.

    The wait is at least ``floor`` (a provider's Retry-After), and at most a day,
    because no source means a year.
    """
    retries = RETRIES[outcome]
    grown = retries.first * retries.factor ** min(attempt - 1, 60)
    longest = min(grown, retries.longest)
    chosen = random.uniform(longest / 2, longest)  # noqa: S311
    return max(chosen, min(floor, LONGEST_FLOOR_SECONDS))
