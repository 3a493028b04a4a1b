"""Hashes of passwords, and the list of common ones."""

import asyncio
import os
import sys
import threading
import time

from argon2 import PasswordHasher

from application.accounts.passwords import STRONG, PasswordHashes, common_passwords
from domain.person.passwords import LEAST_LENGTH

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
DEARER = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)


def test_the_list_has_ten_thousand_long_passwords():
    common = common_passwords()

    assert len(common) == 10_000
    assert min(map(len, common)) == LEAST_LENGTH
    assert {"qwertyqwerty", "1qaz2wsx3edc"} <= common
    assert all(each == each.casefold().strip("\r\n") for each in common)


def test_a_hash_takes_as_much_memory_as_owasp_recommends():
    async def made() -> str:
        return await PasswordHashes(STRONG).made("seven goats on a hill")

    assert asyncio.run(made()).startswith("$argon2id$v=19$m=47104,t=1,p=1$")


def test_a_hash_is_argon2id_and_of_its_password_alone():
    async def checked() -> None:
        hashes = PasswordHashes(CHEAP)
        made = await hashes.made("seven goats on a hill")
        again = await hashes.made("seven goats on a hill")

        assert made.startswith("$argon2id$")
        assert made != again
        assert (await hashes.check("seven goats on a hill", made)).is_right
        for wrong, stored in (
            ("seven goats on a rock", made),
            ("seven goats on a hill", None),
            ("seven goats on a hill", "no hash"),
            ("nobody has this password", None),
        ):
            assert not (await hashes.check(wrong, stored)).is_right

    asyncio.run(checked())


def test_a_hash_of_weaker_parameters_is_made_anew():
    async def checked() -> None:
        old = await PasswordHashes(CHEAP).made("seven goats on a hill")
        hashes = PasswordHashes(DEARER)
        right = await hashes.check("seven goats on a hill", old)
        wrong = await hashes.check("seven goats on a rock", old)

        assert right.rehashed is not None
        assert wrong.rehashed is None
        again = await hashes.check("seven goats on a hill", right.rehashed)
        assert again.is_right
        assert again.rehashed is None

    asyncio.run(checked())


class Watched(PasswordHasher):
    """Notes how many hashes are made at a time, and in which threads."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.now = self.most = 0
        self.priorities = set[int]()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        thread = threading.get_native_id()
        if sys.platform == "linux":
            self.priorities.add(os.getpriority(os.PRIO_PROCESS, thread))
        time.sleep(0.01)
        try:
            return super().hash(password, salt=salt)
        finally:
            self.now -= 1


def test_a_process_makes_one_hash_at_a_time_behind_its_requests():
    watched = Watched()
    of_people, of_links = PasswordHashes(watched), PasswordHashes(watched)

    async def made() -> list[int]:
        both = [each.made("seven goats") for each in (of_people, of_links) * 4]
        working = asyncio.gather(*both)
        await asyncio.sleep(0)
        waiting = [of_people.waiting, of_links.waiting]
        await working
        return waiting

    assert asyncio.run(made()) == [4, 4]
    assert of_people.waiting == 0
    assert watched.most == 1
    if sys.platform == "linux":
        here = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        assert watched.priorities == {min(19, max(here, 10))}
