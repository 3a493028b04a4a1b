"""Proofs: people prove again who they are before a dangerous act."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from msgspec import Struct

from api.http.access.auth import SignedInPerson
from api.http.guard import RecentProofRequiredError
from api.http.request import Request
from api.web.sign_in.challenges import answered_challenge
from api.web.sign_in.page import SignIn, TooManyTriesError

Counting: TypeAlias = AbstractAsyncContextManager[Callable[[], None]]


class Given(Struct, frozen=True, kw_only=True):
    """The answers of a person, by the names of fields, and who asks with what."""

    request: Request
    sign_in: SignIn
    person: SignedInPerson
    answers: Mapping[str, str]


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

    def counting(self, given: Given) -> Counting:
        """Return what lets wrong answers slow the next one down."""
        ...

    async def is_right(self, given: Given) -> bool:
        """Tell whether the answers prove that it is the person."""
        ...


class PasswordProof:
    """The password with which the person signs in."""

    name = "password"
    field = "current_password"
    wrong = "This is not your password."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return sign_in.ways.passwords and await sign_in.accounts.has_password(person.id)

    def counting(self, given: Given) -> Counting:
        return given.sign_in.counting_tries(given.request, given.person.email)

    async def is_right(self, given: Given) -> bool:
        accounts, password = given.sign_in.accounts, given.answers[self.field]
        return await accounts.is_password(given.person.id, password)


class CodeProof:
    """A code of the person's authenticator app, or a recovery code."""

    name = "code"
    field = "code"
    wrong = "This code is not right, or was used before."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return (await sign_in.second_factor.state(person.id)).has_codes

    def counting(self, given: Given) -> Counting:
        # As at the sign-in: somebody with many addresses could guess six digits.
        code = given.answers[self.field]
        return given.sign_in.counting_codes(given.request, given.person.email, code)

    async def is_right(self, given: Given) -> bool:
        factor, code = given.sign_in.second_factor, given.answers[self.field]
        return await factor.prove(given.person.id, code)


class PasskeyProof:
    """A passkey of the person, which needs JavaScript."""

    name = "passkey"
    field = "credential"
    wrong = "This passkey does not fit, or the time for it is over."

    async def is_offered(self, sign_in: SignIn, person: SignedInPerson) -> bool:
        return bool(await sign_in.passkeys.credentials_of(person.id))

    def counting(self, given: Given) -> Counting:
        return given.sign_in.counting_tries(given.request, given.person.email)

    async def is_right(self, given: Given) -> bool:
        credential, sign_in = given.answers[self.field], given.sign_in
        opened = answered_challenge(
            given.request, sign_in.sessions, "prove", credential
        )
        if opened is None or opened.person_id != given.person.id:
            return False
        return await sign_in.passkeys.prove(
            given.person.id, credential, opened.ceremony
        )


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
        chosen = next((each for each in offered if answers.get(each.field)), None)
        if chosen is None:
            raise RecentProofRequiredError(names)
        given = Given(
            request=request, sign_in=self._sign_in, person=person, answers=answers
        )
        try:
            async with chosen.counting(given) as wrong:
                if await chosen.is_right(given):
                    is_password = isinstance(chosen, PasswordProof)
                    return await self._sign_in.note_proof(
                        person, by_password=is_password
                    )
                wrong()
        except TooManyTriesError as slowed:
            refused = RecentProofRequiredError(names, str(slowed))
            refused.status, refused.headers = slowed.status, slowed.headers
            raise refused from None
        raise RecentProofRequiredError(names, chosen.wrong)
