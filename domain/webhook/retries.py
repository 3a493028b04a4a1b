"""Retries of deliveries: when a failed one is tried again, and when it is given up."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

# The waits after the first failures. Later ones last as long as the last.
WAITS: Final[Sequence[timedelta]] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
# A delivery is given up if its next try would be later than this after the first.
GIVEN_UP_AFTER: Final = timedelta(days=3)
# An endpoint that is enabled again gets what it missed in this time.
MADE_UP_FOR: Final = timedelta(days=30)
# So many events behind the oldest undelivered one are tried.
MOST_AHEAD: Final = 1_000
# Failures of an endpoint in a row after which admins get notices, and which disable it.
NOTICES: Final = (5, 10, 15)
DISABLED_AFTER: Final = 20

GONE: Final = 410
SLOW_DOWN: Final = frozenset({429, 502, 504})
# Up to a fifth more, so that endpoints and events do not stay in step.
_JITTER = 0.2
_LONGEST_SILENCE = timedelta(seconds=30)


class FailedTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try that failed: the status, if the endpoint answered, and its Retry-After.

    ``was_sent`` is false if the request certainly did not reach the endpoint.
    """

    status: int | None = None
    retry_after: timedelta | None = None
    was_sent: bool = True


def wait_before_retry(tries: int, *, chance: float) -> timedelta:
    """Return the wait after ``tries`` failed tries; ``chance`` is from 0 to 1."""
    wait = WAITS[min(tries, len(WAITS)) - 1]
    return wait * (1 + _JITTER * chance)


def next_try_in(
    failure: FailedTry, *, tries: int, age: timedelta, chance: float
) -> timedelta | None:
    """Return the wait before the next try of an event; None gives it up.

    ``tries`` counts this try, and ``age`` is the time since the first one.
    """
    wait = wait_before_retry(tries, chance=chance)
    if failure.retry_after is not None:
        wait = max(wait, failure.retry_after)
    return None if age + wait > GIVEN_UP_AFTER else wait


def endpoint_waits(
    failure: FailedTry, *, in_a_row: int, chance: float
) -> timedelta | None:
    """Return the time in which the endpoint gets nothing at all; None is no time.

    An endpoint that says so, by Retry-After or by a status, gets less. One that cannot
    be reached is looked for every half a minute at least. ``in_a_row`` counts the
    failures of this kind.
    """
    if failure.retry_after is not None:
        return failure.retry_after
    if failure.status in SLOW_DOWN:
        return wait_before_retry(in_a_row, chance=chance)
    if not failure.was_sent:
        return min(wait_before_retry(in_a_row, chance=chance), _LONGEST_SILENCE)
    return None


def is_counted(*, in_a_row: int, since_last: timedelta) -> bool:
    """Tell whether a failure counts towards the notices and the end of the endpoint.

    An endpoint that is away for a minute fails for many events at once, so a failure
    counts once for each wait of an event.
    """
    if in_a_row == 0:
        return True
    return since_last >= WAITS[min(in_a_row, len(WAITS)) - 1]
