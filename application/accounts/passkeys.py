"""Passkeys: people sign in with a key that their device keeps, without a password.

The device makes sure who uses it (user verification), so a passkey is both factors. The
pages make the challenges; each is answered once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow
from structlog import get_logger
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.accounts.service import AskingBrowser, PersonAccounts, SignedIn
from application.accounts.sessions import end_sessions_before_factor
from domain import commands as c
from domain.errors import NotFoundError
from infra.eventstore.execute import Executed
from infra.ids import new_id
from infra.keys.passkeys import (
    PasskeyRow,
    PasskeySecret,
    insert_passkey,
    opened_passkey,
)
from infra.structs import structs
from projections.people import People

T = TypeVar("T")

LONGEST_NAME = 100

_LOG = get_logger()
_TIMEOUT_MS = 300_000
_ADDED = c.ChangeSignInMethod(method="passkey", change="added")
_REMOVED = c.ChangeSignInMethod(method="passkey", change="removed")
_SIGNED_IN = c.SignInPerson(method="passkey")

_OF_PERSON: LiteralString = """
SELECT id, person_id, sealed, sign_count, created_at, last_used_at, credential_id
FROM passkeys WHERE person_id = %s ORDER BY created_at, id
"""
_BY_CREDENTIAL: LiteralString = """
SELECT k.id, k.person_id, k.sealed, k.sign_count, k.created_at, k.last_used_at, p.email
FROM passkeys k JOIN people p ON p.person_id = k.person_id AND p.erased_at IS NULL
WHERE k.credential_id = %s
"""
# The counter is compared again: the passkey may have been used in the meantime.
_USE: LiteralString = """
UPDATE passkeys SET sign_count = %(count)s, last_used_at = now()
WHERE id = %(id)s AND (sign_count < %(count)s OR sign_count = 0 AND %(count)s = 0)
RETURNING id
"""
_DELETE: LiteralString = """
DELETE FROM passkeys WHERE person_id = %s AND id = %s RETURNING id
"""
_SPEND: LiteralString = """
WITH tidied AS (DELETE FROM spent_challenges WHERE expires_at <= now())
INSERT INTO spent_challenges (digest, expires_at) VALUES (sha256(%s), %s)
ON CONFLICT DO NOTHING RETURNING digest
"""


class PasskeyRefusedError(Exception):
    """The answer of a device was refused; the message says why."""


class RelyingParty(Struct, frozen=True, kw_only=True):
    """The site as browsers know it: the name of its host, and its origin."""

    id: str
    origin: str


class Ceremony(Struct, frozen=True, kw_only=True):
    """A challenge that a page of ours made for this browser, and where.

    It is answered before ``expires_at``.
    """

    challenge: bytes
    expires_at: datetime
    party: RelyingParty


class NewPasskey(Struct, frozen=True, kw_only=True):
    """A passkey that a device just made, verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    ceremony: Ceremony

    def store(
        self, cursor: Cursor[TupleRow], accounts: PersonAccounts, person_id: UUID
    ) -> None:
        """Store the passkey in the transaction of its event.

        Raises:
            PasskeyRefusedError: the challenge was answered before, or somebody has the
                passkey.
        """
        _spend(cursor, self.ceremony)
        try:
            insert_passkey(
                cursor,
                accounts.key_within(cursor),
                id_=new_id(),
                credential_id=self.credential_id,
                person_id=person_id,
                secret=PasskeySecret(name=self.name, public_key=self.public_key),
                sign_count=self.sign_count,
            )
        except UniqueViolation:
            raise PasskeyRefusedError("This passkey is known already.") from None


class OwnPasskey(Struct, frozen=True, kw_only=True):
    """A passkey as its person sees it."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


class SignedInByPasskey(SignedIn, frozen=True, kw_only=True):
    """A session that a passkey began, and the address of its person."""

    email: str


class _OfPerson(PasskeyRow, frozen=True, kw_only=True):
    credential_id: bytes


class _ByCredential(PasskeyRow, frozen=True, kw_only=True):
    email: str


class _Used(Struct, frozen=True, kw_only=True):
    """An answer that fits a passkey, and the function that notes its use."""

    row: _ByCredential
    note: Callable[[Cursor[TupleRow]], None]


def registration_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    person_id: UUID,
    name: str,
    email: str,
    known: Sequence[bytes] = (),
) -> str:
    """Return what a browser needs to make a passkey, as JSON.

    A device that has one of the ``known`` credentials makes no second one.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name="Goatherd",
        user_id=person_id.bytes,
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return options_to_json(options)


def sign_in_options(
    party: RelyingParty, challenge: bytes, *, allowed: Sequence[bytes] = ()
) -> str:
    """Return what a browser needs to ask for a passkey of this site, as JSON.

    Without ``allowed`` credentials it may be any.
    """
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def challenge_in(credential: str) -> bytes:
    """Return the challenge that a device says it answers, empty without one."""
    try:
        # Both kinds of answers have it at the same place.
        parsed = _parsed(lambda: _client_data(credential))
    except PasskeyRefusedError:
        return b""
    return parse_client_data_json(parsed).challenge


def verified_passkey(credential: str, ceremony: Ceremony, *, name: str) -> NewPasskey:
    """Check the answer of a device that made a passkey.

    Raises:
        PasskeyRefusedError: the answer is not readable, is for another site or
            challenge, or the device did not make sure who uses it.
    """

    def verify() -> NewPasskey:
        parsed = parse_registration_credential_json(credential)
        _check_frame(parsed.response.client_data_json)
        verified = verify_registration_response(
            credential=parsed,
            expected_challenge=ceremony.challenge,
            expected_rp_id=ceremony.party.id,
            expected_origin=ceremony.party.origin,
            require_user_verification=True,
        )
        return NewPasskey(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name.strip()[:LONGEST_NAME] or "Passkey",
            ceremony=ceremony,
        )

    return _parsed(verify)


class Passkeys:
    """The passkeys of the people of one installation."""

    def __init__(self, accounts: PersonAccounts) -> None:
        self._accounts = accounts

    async def of(self, person_id: UUID) -> list[OwnPasskey]:
        """Return the passkeys of a person, the oldest first."""
        key = await self._accounts.opened_key()
        return [
            OwnPasskey(
                id=row.id,
                name=opened_passkey(key, row).name,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
            )
            for row in await self._rows(person_id)
        ]

    async def credentials_of(self, person_id: UUID) -> list[bytes]:
        """Return the ids of a person's credentials, as their devices know them."""
        return [row.credential_id for row in await self._rows(person_id)]

    async def add(
        self,
        person_id: UUID,
        passkey: NewPasskey,
        *,
        kept: UUID | None,
        client: AskingBrowser,
    ) -> None:
        """Let a person sign in with a passkey.

        All sessions end but the one with the id ``kept``.

        Raises:
            PasskeyRefusedError: as ``NewPasskey.store``.
        """

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            passkey.store(cursor, self._accounts, person_id)
            end_sessions_before_factor(cursor, person_id, kept)
            People().write(cursor, done.events)

        await self._accounts.change(person_id, _ADDED, client=client, within=within)

    async def remove(
        self, person_id: UUID, passkey_id: UUID, *, client: AskingBrowser
    ) -> None:
        """Let a person sign in with a passkey no more.

        Raises:
            NotFoundError: the person has no such passkey.
            LastSignInMethodError: the person could not sign in any more.
        """

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            if cursor.execute(_DELETE, (person_id, passkey_id)).fetchone() is None:
                raise NotFoundError("passkey")
            People().write(cursor, done.events)

        await self._accounts.change(person_id, _REMOVED, client=client, within=within)

    async def sign_in(
        self, credential: str, ceremony: Ceremony, *, client: AskingBrowser
    ) -> SignedInByPasskey | None:
        """Begin the session of a passkey's person; None if they are in no organization.

        Raises:
            PasskeyRefusedError: the answer does not fit a passkey.
        """
        used = await self._used(credential, ceremony)
        signed_in = await self._accounts.begin(
            used.row.person_id, _SIGNED_IN, client=client, within=used.note
        )
        if signed_in is None:
            return None
        return SignedInByPasskey(**asdict(signed_in), email=used.row.email)

    async def prove(self, person_id: UUID, credential: str, ceremony: Ceremony) -> bool:
        """Tell whether an answer proves that it is this person, and note its use."""
        try:
            used = await self._used(credential, ceremony)
            if used.row.person_id != person_id:
                return False
            await self._accounts.in_transaction(used.note)
        except PasskeyRefusedError:
            return False
        return True

    async def _used(self, credential: str, ceremony: Ceremony) -> _Used:
        parsed = _parsed(lambda: parse_authentication_credential_json(credential))
        found = await self._accounts.read_all(_BY_CREDENTIAL, (parsed.raw_id,))
        row = next(iter(structs(_ByCredential, found)), None)
        if row is None:
            raise PasskeyRefusedError(
                "This passkey is not known here. It may have been removed."
            )
        if parsed.response.user_handle != row.person_id.bytes:
            raise PasskeyRefusedError("This passkey belongs to another account.")
        key = await self._accounts.opened_key()
        public_key = opened_passkey(key, row).public_key
        count = _parsed(lambda: _verified_count(parsed, public_key, ceremony))
        if _went_back(row.sign_count, count):
            # Somebody may have copied the key; nobody knows which of the two asks.
            _LOG.warning(
                "passkey_counter_went_back",
                person_id=str(row.person_id),
                passkey_id=str(row.id),
                known=row.sign_count,
                answered=count,
            )
            raise _went_back_error()

        def note(cursor: Cursor[TupleRow]) -> None:
            _spend(cursor, ceremony)
            values = {"id": row.id, "count": count}
            if cursor.execute(_USE, values).fetchone() is None:
                raise _went_back_error()

        return _Used(row=row, note=note)

    async def _rows(self, person_id: UUID) -> Sequence[_OfPerson]:
        return structs(
            _OfPerson, await self._accounts.read_all(_OF_PERSON, (person_id,))
        )


def _verified_count(
    parsed: AuthenticationCredential, public_key: bytes, ceremony: Ceremony
) -> int:
    """Return the counter of an answer whose signature is right."""
    _check_frame(parsed.response.client_data_json)
    verified = verify_authentication_response(
        credential=parsed,
        expected_challenge=ceremony.challenge,
        expected_rp_id=ceremony.party.id,
        expected_origin=ceremony.party.origin,
        credential_public_key=public_key,
        # Compared after the signature, so that a forgery is another refusal.
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    return verified.new_sign_count


def _went_back(known: int, answered: int) -> bool:
    """Tell whether a counter did not grow; an authenticator without one says 0."""
    return (known > 0 or answered > 0) and answered <= known


def _went_back_error() -> PasskeyRefusedError:
    return PasskeyRefusedError(
        "The counter of this passkey went back, as if it had been copied. Sign in "
        "otherwise, and remove it on your page."
    )


def _spend(cursor: Cursor[TupleRow], ceremony: Ceremony) -> None:
    values = (ceremony.challenge, ceremony.expires_at)
    if cursor.execute(_SPEND, values).fetchone() is None:
        raise PasskeyRefusedError("This was sent before. Try again.")


def _check_frame(client_data: bytes) -> None:
    """Refuse an answer that was given inside a page of another site."""
    if parse_client_data_json(client_data).cross_origin:
        raise PasskeyRefusedError("The device answered to another site.")


def _client_data(credential: str) -> bytes:
    try:
        return parse_authentication_credential_json(
            credential
        ).response.client_data_json
    except WebAuthnException:
        return parse_registration_credential_json(credential).response.client_data_json


def _parsed(work: Callable[[], T]) -> T:
    """Do what reads the answer of a device, which may be anything.

    Raises:
        PasskeyRefusedError: the answer is not readable, or does not fit.
    """
    try:
        return work()
    except (WebAuthnException, ValueError, TypeError, KeyError, OverflowError) as error:
        raise PasskeyRefusedError(
            "The answer of the device does not fit. Try again."
        ) from error
