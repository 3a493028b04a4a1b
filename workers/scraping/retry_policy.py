"""How long a run waits after an attempt, and how often it is tried."""

import random
from collections.abc import Mapping

import msgspec

from domain.events import Outcome

LONGEST_FLOOR_SECONDS = 86_400


class Retries(msgspec.Struct, frozen=True):
    """Waits in seconds, ``factor`` times as long each time; ``tries`` counts all."""

    first: float
    longest: float
    tries: int
    factor: int = 2


RETRIES: Mapping[Outcome, Retries] = {
    # Who is turned away and knocks again soon is turned away for longer.
    "blocked": Retries(600, 21_600, tries=5),
    "rate_limited": Retries(30, 3_600, tries=5),
    "transient": Retries(10, 3_600, tries=5),
    # It takes a new release, or the platform's second thoughts.
    "schema_changed": Retries(3_600, 21_600, tries=3),
}
# After an attempt that died. The first one most likely was killed from outside. Later
# ones are spread ever wider: what dies beside a run that kills its worker must not
# meet it every time.
DIED = Retries(4, 500, tries=5, factor=5)


def is_last(outcome: Outcome, attempt: int) -> bool:
    """Tell whether no attempt follows ``attempt`` (counted from 1) that ended so."""
    return attempt >= RETRIES[outcome].tries


def wait(outcome: Outcome, attempt: int, *, floor: float = 0) -> float:
    """Return how many seconds to wait after ``attempt``, half of them by chance.

    Not less than ``floor`` (a provider's Retry-After), up to a day: nobody means a year
    by that.
    """
    retries = RETRIES[outcome]
    grown = retries.first * retries.factor ** min(attempt - 1, 60)
    longest = min(grown, retries.longest)
    chosen = random.uniform(longest / 2, longest)  # noqa: S311
    return max(chosen, min(floor, LONGEST_FLOOR_SECONDS))
