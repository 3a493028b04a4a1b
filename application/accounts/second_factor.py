"""The second factor: codes of an authenticator app, and recovery codes in its place.

A code works once: its step is noted in the transaction of the sign-in, and no code of
that step or an earlier one is accepted again. So does a recovery code.
"""

import time
from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.one_time_codes import (
    digest_of_recovery_code,
    matching_step,
    new_recovery_codes,
)
from application.accounts.rows import (
    MOST_CODES,
    SECOND_FACTOR_REMOVED,
    remove_second_factor,
)
from application.accounts.service import AskingBrowser, PersonAccounts, SignedIn
from application.accounts.sessions import end_sessions_before_factor
from domain import commands as c
from domain.person.events import SignInMethod
from infra.eventstore.execute import Executed
from infra.keys.digests import digest_of
from infra.keys.person_secrets import opened_secret, set_secret
from projections.people import People

_CODES_ADDED = c.ChangeSignInMethod(method="codes", change="added")
_RECOVERY_ADDED = c.ChangeSignInMethod(method="recovery", change="added")
_PENDING: LiteralString = """
SELECT s.person_id, p.email FROM pending_sign_ins s JOIN people p USING (person_id)
WHERE s.digest = %s AND s.expires_at > now() AND s.tries < %s AND p.erased_at IS NULL
"""
_TRY: LiteralString = """
UPDATE pending_sign_ins SET tries = tries + 1
WHERE digest = %s AND expires_at > now() AND tries < %s RETURNING person_id
"""
_SPEND_PENDING: LiteralString = """
DELETE FROM pending_sign_ins WHERE digest = %s AND person_id = %s RETURNING person_id
"""
_SECRETS: LiteralString = """
SELECT (SELECT sealed FROM person_secrets WHERE person_id = %(person)s
        AND kind = 'codes'),
       (SELECT sealed FROM person_secrets WHERE person_id = %(person)s
        AND kind = 'recovery')
"""
# The seed is compared, too: a code of an app that was replaced meanwhile is worth
# nothing.
_SPEND_STEP: LiteralString = """
UPDATE person_secrets SET last_step = %(step)s
WHERE person_id = %(person)s AND kind = 'codes' AND sealed = %(sealed)s
  AND coalesce(last_step, -1) < %(step)s
RETURNING last_step
"""
_LOCK_RECOVERY: LiteralString = """
SELECT sealed FROM person_secrets WHERE person_id = %s AND kind = 'recovery' FOR UPDATE
"""


class PendingPerson(Struct, frozen=True, kw_only=True):
    """The person of a second step, whose password was right."""

    id: UUID
    email: str


class SecondFactorState(Struct, frozen=True, kw_only=True):
    """The second factor of a person; ``codes_left`` are their recovery codes."""

    has_codes: bool
    codes_left: int


class CodeSpentError(Exception):
    """The code was used before, or at the same time."""


_Spend = Callable[[Cursor[TupleRow]], None]


class SecondFactor:
    """One-time codes and recovery codes of the people of one installation."""

    def __init__(
        self,
        accounts: PersonAccounts,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._wall_clock = wall_clock

    # Signing in

    async def pending_person(self, token: str) -> PendingPerson | None:
        """Return the person of a second step, None if it is over."""
        values = (digest_of(token), MOST_CODES)
        row = await self._accounts.read(_PENDING, values)
        return None if row is None else PendingPerson(id=row[0], email=row[1])

    async def finish(
        self, token: str, code: str, *, client: AskingBrowser
    ) -> SignedIn | None:
        """Begin the session of a second step; None if the code is wrong.

        A second step ends with its fifth wrong code.
        """
        digest = digest_of(token)
        row = await self._accounts.read(_TRY, (digest, MOST_CODES))
        if row is None:
            return None
        person_id: UUID = row[0]
        found = await self._spending(person_id, code)
        if found is None:
            return None
        method, spend = found

        def within(cursor: Cursor[TupleRow]) -> None:
            if cursor.execute(_SPEND_PENDING, (digest, person_id)).fetchone() is None:
                raise CodeSpentError
            spend(cursor)

        signed_in = c.SignInPerson(method=method)
        try:
            return await self._accounts.begin(
                person_id, signed_in, client=client, within=within
            )
        except CodeSpentError:
            return None

    async def prove(self, person_id: UUID, code: str) -> bool:
        """Use a code up as a proof; tell whether it was right."""
        found = await self._spending(person_id, code)
        if found is None:
            return False
        try:
            await self._accounts.in_transaction(found[1])
        except CodeSpentError:
            return False
        return True

    # Changing

    async def state(self, person_id: UUID) -> SecondFactorState:
        """Return what a person has of a second factor."""
        codes, recovery = await self._sealed(person_id)
        key = await self._accounts.opened_key()
        opened = opened_secret(key, person_id, "recovery", recovery)
        return SecondFactorState(
            has_codes=codes is not None, codes_left=len(_digests(opened))
        )

    async def add(
        self,
        person_id: UUID,
        seed: str,
        code: str,
        *,
        kept: UUID | None,
        client: AskingBrowser,
    ) -> list[str] | None:
        """Ask for codes of an app from now on, and return new recovery codes.

        The first code proves that the app has the seed; None if it is wrong. All
        sessions end but the one with the id ``kept``.
        """
        step = matching_step(seed, code, at=self._wall_clock())
        if step is None:
            return None
        key = await self._accounts.opened_key()

        def set_seed(cursor: Cursor[TupleRow]) -> None:
            set_secret(cursor, key, person_id, "codes", seed.encode())
            sealed = cursor.execute(_SECRETS, {"person": person_id}).fetchone()
            assert sealed is not None
            spent = {"person": person_id, "step": step, "sealed": sealed[0]}
            cursor.execute(_SPEND_STEP, spent)
            end_sessions_before_factor(cursor, person_id, kept)

        return await self._with_recovery_codes(
            person_id, set_seed, _CODES_ADDED, client=client
        )

    async def renew_recovery_codes(
        self, person_id: UUID, *, client: AskingBrowser
    ) -> list[str]:
        """Return ten new recovery codes, in place of all earlier ones."""
        return await self._with_recovery_codes(person_id, lambda _: None, client=client)

    async def remove(self, person_id: UUID, *, client: AskingBrowser) -> None:
        """Ask for no codes any more; the recovery codes go, too."""

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            remove_second_factor(cursor, person_id)
            People().write(cursor, done.events)

        await self._accounts.change(
            person_id, *SECOND_FACTOR_REMOVED, client=client, within=within
        )

    # Shared parts

    async def _with_recovery_codes(
        self,
        person_id: UUID,
        also: _Spend,
        *commands: c.PersonCommand,
        client: AskingBrowser,
    ) -> list[str]:
        codes = new_recovery_codes()
        digests = [digest_of_recovery_code(code) for code in codes]
        key = await self._accounts.opened_key()

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            also(cursor)
            encoded = msgspec.json.encode(digests)
            set_secret(cursor, key, person_id, "recovery", encoded)
            People().write(cursor, done.events)

        await self._accounts.change(
            person_id,
            *commands,
            _RECOVERY_ADDED,
            client=client,
            within=within,
        )
        return codes

    async def _spending(
        self, person_id: UUID, code: str
    ) -> tuple[SignInMethod, _Spend] | None:
        """Return how a right code is used up, None for a wrong one.

        The result raises CodeSpentError if the code was used before.
        """
        codes, recovery = await self._sealed(person_id)
        key = await self._accounts.opened_key()
        seed = opened_secret(key, person_id, "codes", codes)
        if seed is None:
            return None
        step = matching_step(seed.decode(), code, at=self._wall_clock())
        if step is not None:
            spent = {"person": person_id, "step": step, "sealed": codes}

            def spend_step(cursor: Cursor[TupleRow]) -> None:
                if cursor.execute(_SPEND_STEP, spent).fetchone() is None:
                    raise CodeSpentError

            return "codes", spend_step
        digest = digest_of_recovery_code(code)
        left = _digests(opened_secret(key, person_id, "recovery", recovery))
        if digest is None or digest not in left:
            return None

        def spend_recovery_code(cursor: Cursor[TupleRow]) -> None:
            row = cursor.execute(_LOCK_RECOVERY, (person_id,)).fetchone()
            sealed = None if row is None else row[0]
            present = _digests(opened_secret(key, person_id, "recovery", sealed))
            if digest not in present:
                raise CodeSpentError
            present.remove(digest)
            set_secret(cursor, key, person_id, "recovery", msgspec.json.encode(present))

        return "recovery", spend_recovery_code

    async def _sealed(self, person_id: UUID) -> tuple[bytes | None, bytes | None]:
        row = await self._accounts.read(_SECRETS, {"person": person_id})
        assert row is not None
        return row[0], row[1]


def _digests(opened: bytes | None) -> list[str]:
    return [] if opened is None else msgspec.json.decode(opened, type=list[str])
