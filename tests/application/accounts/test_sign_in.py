"""Signing in while the password changes: the old password opens nothing any more."""

import asyncio
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher

from application.accounts.passwords import PasswordHashes, Verified
from application.accounts.service import AskingBrowser, PersonAccounts
from infra.database import own_pool
from infra.eventstore.store import Store
from infra.keys.person_secrets import set_password_hash
from tests.kit.keys import MASTER_KEY
from tests.kit.people import EMAIL
from tests.kit.people import PASSWORD as OLD

NEW = "eight goats in a valley"
CLIENT = AskingBrowser(address="", browser="", correlation_id=uuid4())


# A hash of less memory is replaced at a sign-in.
@pytest.mark.parametrize("memory", (47_104, 8_192))
def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    store: Store,
    database_url: str,
    owner: UUID,
    monkeypatch: pytest.MonkeyPatch,
    memory: int,
):
    hasher = PasswordHasher(time_cost=1, memory_cost=memory, parallelism=1)
    with store.pool.connection() as connection:
        cursor = connection.cursor()
        set_password_hash(cursor, MASTER_KEY, owner, hasher.hash(OLD))
    check = PasswordHashes.check

    async def run() -> tuple[object, object]:
        async with own_pool(database_url, size=2) as own:
            accounts = PersonAccounts(store, own)

            async def checked_too_early(
                hashes: PasswordHashes, password: str, stored: str | None
            ) -> Verified:
                verified = await check(hashes, password, stored)
                monkeypatch.undo()
                await accounts.change_password(
                    owner, NEW, email=EMAIL, kept=None, client=CLIENT
                )
                return verified

            monkeypatch.setattr(PasswordHashes, "check", checked_too_early)
            outdated = await accounts.sign_in(EMAIL, OLD, client=CLIENT)
            return outdated, await accounts.sign_in(EMAIL, NEW, client=CLIENT)

    outdated, fresh = asyncio.run(run())

    assert outdated is None
    assert fresh is not None
    with store.pool.connection() as connection:
        query = "SELECT count(*) FROM person_sessions"
        assert connection.execute(query).fetchone() == (1,)
