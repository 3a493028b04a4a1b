"""Wrong tries to sign in: a delay that grows with their number and locks nobody out.

Tries are counted by address and account together, by address, and by account. The first
two refuse tries before their time; a try at an account that many addresses try waits a
few seconds and is answered. A browser that signed in before is counted by itself, so
that nobody else can slow it down. Tries from addresses with wrong ones before share a
number of checks a second, so that guesses leave the processor to everybody else. Each
process counts its own tries.
"""

import math
import time
from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct

from api.http.access.addresses import source_of

_MOST_KEPT = 10_000
# Wrong tries are forgotten after this time without another one.
_FORGOTTEN_AFTER = 3_600.0


class Growth(Struct, frozen=True):
    """The number of wrong tries without a delay, and the longest delay in seconds."""

    free: int
    longest: float

    def delay(self, failures: int) -> float:
        """Return 1 s after the first try that is not free, then twice as long."""
        over = failures - self.free
        return 0.0 if over < 0 else min(self.longest, 2.0 ** min(over, 30))


_PAIR = Growth(5, 60.0)
_ADDRESS = Growth(20, 60.0)
_ACCOUNT = Growth(20, 4.0)


class SharedChecks:
    """The checks that addresses with wrong tries share.

    ``at_once`` can be made without a pause, and ``a_second`` come back. The more wrong
    tries an address has, the more checks it leaves to those with fewer, which people
    have who mistyped.
    """

    def __init__(
        self,
        *,
        a_second: float = 2.0,
        at_once: int = 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._clock = clock
        self._left, self._counted_at = float(at_once), clock()

    def wait(self, failures: int) -> float:
        """Return the seconds until an address with wrong tries may make another."""
        if failures == 0:
            return 0.0
        kept = min(failures - 1, self._at_once // 2)
        return max(0.0, (kept + 1 - self._now_left()) / self._a_second)

    def take(self, failures: int) -> None:
        """Take a check, if the address had wrong tries before."""
        if failures:
            self._left, self._counted_at = self._now_left() - 1, self._clock()

    def _now_left(self) -> float:
        came_back = (self._clock() - self._counted_at) * self._a_second
        return min(float(self._at_once), self._left + came_back)


class Try(Struct, frozen=True, kw_only=True):
    """A try to sign in; ``device`` is set for a browser that signed in before."""

    address: str
    email: str
    device: bytes | None = None


class SlowedTries:
    """Counts wrong tries, and says how long the next one has to wait.

    With ``refuses_by_account`` an account that many addresses try refuses tries before
    their time, too, except from browsers that signed in before. ``checks`` are shared
    by addresses with wrong tries, where a check is costly.
    """

    def __init__(
        self,
        *,
        refuses_by_account: bool = False,
        checks: SharedChecks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refuses_by_account = refuses_by_account
        self._checks = checks
        self._clock = clock
        self._kept: dict[bytes, tuple[int, float]] = {}

    def refused_for(self, one: Try) -> int:
        """Return the seconds for which a try is refused, 0 if it may be made now."""
        waits = [self._wait(key, growth) for key, growth in _refusing(one)]
        if self._refuses_by_account and one.device is None:
            waits.append(self._wait(_account(one), _ADDRESS))
        if self._checks is not None and one.device is None:
            waits.append(self._checks.wait(self._failures(_source(one))))
        return math.ceil(max(waits))

    def waits_for(self, one: Try) -> float:
        """Return the seconds that an allowed try waits before it is answered."""
        if one.device or self._refuses_by_account:
            return 0.0
        return self._wait(_account(one), _ACCOUNT)

    def count(self, one: Try) -> None:
        """Count a try as wrong, before it is known whether it is."""
        now = self._clock()
        if self._checks is not None and one.device is None:
            self._checks.take(self._failures(_source(one)))
        for key in _keys(one):
            failures = self._failures(key)
            self._kept.pop(key, None)
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = failures + 1, now

    def undo(self, one: Try) -> None:
        """Take back the count of a try that was not wrong, or was never made."""
        for key in _keys(one):
            failures, last = self._kept.get(key, (0, 0.0))
            if failures > 1:
                self._kept[key] = failures - 1, last
            else:
                self._kept.pop(key, None)

    def forgive(self, one: Try) -> None:
        """Take back a right try, and forget its browser's or address's wrong ones."""
        self.undo(one)
        self._kept.pop(_refusing(one)[0][0], None)

    def _wait(self, key: bytes, growth: Growth) -> float:
        failures = self._failures(key)
        if failures == 0:
            return 0.0
        return max(0.0, growth.delay(failures) - (self._clock() - self._kept[key][1]))

    def _failures(self, key: bytes) -> int:
        failures, last = self._kept.get(key, (0, 0.0))
        return 0 if self._clock() - last > _FORGOTTEN_AFTER else failures


def _refusing(one: Try) -> list[tuple[bytes, Growth]]:
    if one.device is not None:
        return [(_key(b"device", one.device), _PAIR)]
    pair = source_of(one.address).encode() + b"\n" + one.email.encode()
    return [(_key(b"pair", pair), _PAIR), (_source(one), _ADDRESS)]


def _keys(one: Try) -> list[bytes]:
    keys = [key for key, _ in _refusing(one)]
    return keys if one.device is not None else [*keys, _account(one)]


def _source(one: Try) -> bytes:
    return _key(b"address", source_of(one.address).encode())


def _account(one: Try) -> bytes:
    return _key(b"account", one.email.encode())


def _key(kind: bytes, text: bytes) -> bytes:
    return sha256(kind + b"\0" + text).digest()
