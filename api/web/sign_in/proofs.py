"""Proofs: people prove again who they are before a dangerous act."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from api.http.access.auth import SignedInPerson
from api.http.guard import RecentProofRequiredError
from api.http.request import Request
from api.web.sign_in.challenges import answered_challenge
from api.web.sign_in.page import SignIn, TooManyTriesError

Counting: TypeAlias = AbstractAsyncContextManager[Callable[[], None]]


class ProofMethod(Protocol):
    """A way to prove who one is, such as the password.

    ``name`` is that of its form, ``templates/proof/<name>.html``. ``field`` is the
    field of the answer. ``wrong`` is the sentence about a wrong one.
    """

    name: str
    field: str
    wrong: str

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        """Tell whether the person has this way."""
        ...

    def counting(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> Counting:
        """Return what lets wrong answers slow the next one down."""
        ...

    async def is_right(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> bool:
        """Tell whether the answers prove that it is the person."""
        ...


class PasswordProof:
    """The password with which the person signs in."""

    name = "password"
    field = "current_password"
    wrong = "This is not your password."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return sign_in.ways.passwords and await sign_in.accounts.has_password(person.id)

    def counting(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> Counting:
        del answers
        return sign_in.counting_tries(request, person.email)

    async def is_right(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> bool:
        del request
        return await sign_in.accounts.is_password(person.id, answers[self.field])


class CodeProof:
    """A code of the person's authenticator app, or a recovery code."""

    name = "code"
    field = "code"
    wrong = "This code is not right, or was used before."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return (await sign_in.second_factor.state(person.id)).has_codes

    def counting(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> Counting:
        # As at the sign-in: somebody with many addresses could guess six digits.
        return sign_in.counting_codes(request, person.email, answers[self.field])

    async def is_right(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> bool:
        del request
        return await sign_in.second_factor.prove(person.id, answers[self.field])


class PasskeyProof:
    """A passkey of the person, which needs JavaScript."""

    name = "passkey"
    field = "credential"
    wrong = "This passkey does not fit, or the time for it is over."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return bool(await sign_in.passkeys.credentials_of(person.id))

    def counting(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> Counting:
        del answers
        return sign_in.counting_tries(request, person.email)

    async def is_right(
        self,
        request: Request,
        sign_in: SignIn,
        person: SignedInPerson,
        answers: Mapping[str, str],
    ) -> bool:
        credential = answers[self.field]
        opened = answered_challenge(request, sign_in.sessions, "prove", credential)
        if opened is None or opened.person_id != person.id:
            return False
        return await sign_in.passkeys.prove(person.id, credential, opened.ceremony)


METHODS: tuple[ProofMethod, ...] = (PasswordProof(), CodeProof(), PasskeyProof())


class Proofs:
    """Checks proofs, and notes right ones in the session."""

    def __init__(
        self, sign_in: SignIn, methods: Sequence[ProofMethod] = METHODS
    ) -> None:
        self._sign_in = sign_in
        self._methods = methods

    async def prove(
        self, request: Request, person: SignedInPerson, answers: Mapping[str, str]
    ) -> datetime:
        """Check a person's answers, and return the time of the proof.

        Raises:
            RecentProofRequiredError: there is no answer, a wrong one, or one too soon
                after wrong ones.
            ApiError: ``invalid_api_key``: the session ended meanwhile.
        """
        offered = [
            method
            for method in self._methods
            if await method.is_offered(self._sign_in, person)
        ]
        names = [method.name for method in offered]
        given = next((method for method in offered if answers.get(method.field)), None)
        if given is None:
            raise RecentProofRequiredError(names)
        counting = given.counting(request, self._sign_in, person, answers)
        try:
            async with counting as wrong:
                if await given.is_right(request, self._sign_in, person, answers):
                    is_password = isinstance(given, PasswordProof)
                    return await self._sign_in.note_proof(
                        person, by_password=is_password
                    )
                wrong()
        except TooManyTriesError as slowed:
            refused = RecentProofRequiredError(names, str(slowed))
            refused.status, refused.headers = slowed.status, slowed.headers
            raise refused from None
        raise RecentProofRequiredError(names, given.wrong)
