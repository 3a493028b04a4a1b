"""Passwords: their hashes by argon2id, and the list of the most common ones."""

import asyncio
import gzip
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

T = TypeVar("T")

# OWASP recommends 46 MiB in one pass as the strongest choice (Password Storage Cheat
# Sheet). A hash takes about 50 ms. A process makes one at a time, and requests go
# before it, so that many tries to sign in leave memory and time for everything else.
STRONG = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
HASHER = STRONG
_BEHIND_REQUESTS = 10


class Verified(Struct, frozen=True, kw_only=True):
    """The result of a check; ``rehashed`` is set if a hash should be replaced."""

    is_right: bool
    rehashed: str | None = None


def _step_back() -> None:
    """Let all other threads go before this one, where each has its own priority."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND_REQUESTS)


@cache
def _thread() -> ThreadPoolExecutor:
    """Return the one thread in which this process makes all of its hashes."""
    return ThreadPoolExecutor(1, thread_name_prefix="argon2", initializer=_step_back)


class PasswordHashes:
    """Makes and checks hashes of passwords, one after the other.

    Without a hasher they are those of ``HASHER``, which tests replace with a cheap one.
    ``waiting`` is the number of hashes that were asked for and are not done.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or HASHER
        self._of_nobody: str | None = None
        self.waiting = 0

    async def made(self, password: str) -> str:
        return await self._in_thread(lambda: self._hasher.hash(password))

    def made_now(self, password: str) -> str:
        """Return a new hash of a password, for callers that have a thread."""
        return _thread().submit(self._hasher.hash, password).result()

    async def check(self, password: str, stored: str | None) -> Verified:
        """Tell whether a password belongs to a stored hash.

        Without a hash the answer is no, after the same time.
        """
        return await self._in_thread(lambda: self._checked(password, stored))

    def _checked(self, password: str, stored: str | None) -> Verified:
        if stored is None:
            if self._of_nobody is None:
                self._of_nobody = self._hasher.hash("nobody has this password")
            self._matches(password, self._of_nobody)
            return Verified(is_right=False)
        if not self._matches(password, stored):
            return Verified(is_right=False)
        is_weaker = self._hasher.check_needs_rehash(stored)
        rehashed = self._hasher.hash(password) if is_weaker else None
        return Verified(is_right=True, rehashed=rehashed)

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self.waiting += 1
        try:
            return await asyncio.wrap_future(_thread().submit(work))
        finally:
            self.waiting -= 1


@cache
def common_passwords() -> frozenset[str]:
    """Return the 10,000 most common passwords of 12 characters and more."""
    packed = files("application.accounts") / "common_passwords.txt.gz"
    return frozenset(gzip.decompress(packed.read_bytes()).decode().splitlines())
