"""Passwords: their hashes by argon2id, and the list of the most common ones."""

import asyncio
import gzip
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
# Sheet). A hash takes about 50 ms; a process makes at most two at a time, so that many
# tries to sign in leave it memory and time for everything else.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
_AT_ONCE = 2


class Verified(Struct, frozen=True, kw_only=True):
    """The result of a check; ``rehashed`` is set if a hash should be replaced."""

    is_right: bool
    rehashed: str | None = None


class PasswordHashes:
    """Makes and checks hashes of passwords, in threads of its own."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._of_nobody: str | None = None

    async def made(self, password: str) -> str:
        """Return a new hash of a password."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    def made_now(self, password: str) -> str:
        """Return a new hash of a password, for callers that have a thread."""
        return self._threads.submit(self._hasher.hash, password).result()

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
        return await asyncio.wrap_future(self._threads.submit(work))


@cache
def common_passwords() -> frozenset[str]:
    """Return the 10,000 most common passwords of 12 characters and more."""
    packed = files("application.accounts") / "common_passwords.txt.gz"
    return frozenset(gzip.decompress(packed.read_bytes()).decode().splitlines())
