"""The service that signs people in by the provider, made once for each process."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts import rows
from application.accounts.confirmations import mail_confirmation
from application.accounts.invitations import follow_members
from application.accounts.oidc import identities
from application.accounts.oidc.client import OidcClient, SignInSecrets
from application.accounts.oidc.errors import ProviderFailedError, SignInRefusedError
from application.accounts.oidc.identities import IdentityTakenError
from application.accounts.oidc.provider import OidcProvider
from application.accounts.service import AskingBrowser, SignedIn
from application.accounts.sessions import begin_session
from domain import commands as c
from domain.decisions import Handler
from domain.email import same_email
from domain.errors import DomainError, NotFoundError
from domain.person.directory import DirectoryEntry, directory_entry
from domain.person.errors import EmailTakenError
from domain.person.handlers import (
    change_person,
    follow_directory,
    register_from_directory,
)
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.http_out.outbound import OutboundBusyError, OutboundCalls
from infra.ids import new_id
from projections.people import People

T = TypeVar("T")

ACTOR = "directory"

SPENT = (
    "This sign-in was begun in another browser or tab, took longer than ten minutes, "
    "or was used already. Start again from here."
)
_SIGNED_IN = c.SignInPerson(method="oidc")


class ProviderAnswer(Struct, frozen=True, kw_only=True):
    """The answer that the browser brings back from the provider."""

    code: str | None
    issuer: str | None
    error: str | None


class KnownPerson(Struct, frozen=True, kw_only=True):
    """A person as the provider knows them: by ``subject`` at ``issuer``."""

    issuer: str
    subject: str
    entry: DirectoryEntry


class OidcSignIn:
    """Signs people in by the provider, and connects it with people who are here."""

    def __init__(self, store: Store, client: OidcClient) -> None:
        self.client = client
        self._store = store
        self._provider = OidcProvider(client)
        self._outbound = OutboundCalls()

    async def depart(
        self, secrets: SignInSecrets, *, redirect_url: str, anew: bool = False
    ) -> str:
        """Return the page of the provider on which somebody proves who they are.

        Raises:
            SignInRefusedError: the provider can't be reached.
        """
        return await self._ask(
            lambda: self._provider.address_of_consent(
                secrets, redirect_url=redirect_url, anew=anew
            )
        )

    async def arrive(
        self,
        answer: ProviderAnswer,
        secrets: SignInSecrets,
        *,
        until: int,
        redirect_url: str,
    ) -> KnownPerson:
        """Return the person who came back from the provider, once.

        ``until`` is the end of the sign-in, in seconds since 1970.

        Raises:
            SignInRefusedError: the sign-in was used, or the provider says no.
        """
        digest = sha256(secrets.state.encode()).digest()
        if not await self._write(lambda one: identities.use_state(one, digest, until)):
            raise SignInRefusedError(SPENT)
        return await self._ask(
            lambda: self._known_person(answer, secrets, redirect_url)
        )

    async def enter(self, known: KnownPerson, *, client: AskingBrowser) -> SignedIn:
        """Begin a session of a person, who gets an account if they have none.

        Raises:
            SignInRefusedError: the person may not come in.
        """
        return await asyncio.to_thread(self._enter, known, client)

    async def connect(
        self, person_id: UUID, known: KnownPerson, *, client: AskingBrowser
    ) -> None:
        """Let a person sign in by the provider from now on.

        Raises:
            SignInRefusedError: the identity is another person's, or they have one.
        """
        digest = self._digest(known)

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            identities.add_identity(cursor, digest, person_id, self.client.known_as)
            People().write(cursor, done.events)

        try:
            await asyncio.to_thread(
                self._change_person,
                person_id,
                c.ChangeSignInMethod(method="oidc", change="added"),
                client=client,
                within=within,
            )
        except IdentityTakenError:
            raise SignInRefusedError(
                f"That account of {self.client.host} is connected with a person "
                "already, or you have another one connected."
            ) from None

    async def disconnect(self, person_id: UUID, *, client: AskingBrowser) -> None:
        """End signing in by the provider.

        Raises:
            LastSignInMethodError: the person could not sign in any more.
        """

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            identities.remove_identity(cursor, person_id, self.client.known_as)
            People().write(cursor, done.events)

        await asyncio.to_thread(
            self._change_person,
            person_id,
            c.ChangeSignInMethod(method="oidc", change="removed"),
            client=client,
            within=within,
        )

    async def is_connected(self, person_id: UUID) -> bool:
        """Tell whether a person can sign in by the provider."""
        of = (person_id, self.client.known_as)

        def read(cursor: Cursor[TupleRow]) -> bool:
            row = cursor.execute(identities.HAS_IDENTITY, of).fetchone()
            return row is not None and row[0]

        return await self._write(read)

    # Parts that wait, in threads

    def _known_person(
        self, answer: ProviderAnswer, secrets: SignInSecrets, redirect_url: str
    ) -> KnownPerson:
        host = self.client.host
        # The code belongs to the provider that sent the browser back, and to no other.
        self._provider.check_sender(answer.issuer)
        if answer.error is not None or answer.code is None:
            raise SignInRefusedError(
                f"{host} did not sign you in. Start again from here.",
                cause=f"The provider answered {(answer.error or 'no code')[:50]!a}.",
            )
        issuer, claims = self._provider.claims(
            answer.code, secrets, redirect_url=redirect_url
        )
        entry = directory_entry(
            claims, role_claim=self.client.role_claim, roles=self.client.roles
        )
        if entry.role is None:
            raise SignInRefusedError(
                f"{host} knows you, but you are in no group there that may come in "
                "here. Ask the people who run Goatherd for access.",
                cause="None of the values of the role claim is in GOATHERD_OIDC_ROLES.",
            )
        return KnownPerson(issuer=issuer, subject=claims["sub"], entry=entry)

    def _enter(self, known: KnownPerson, client: AskingBrowser) -> SignedIn:
        digest = self._digest(known)
        try:
            person_id = self._person(digest)
            if person_id is None:
                person_id = self._registered(known, digest, client)
            else:
                self._follow(person_id, known.entry, client)
        except NotFoundError:
            raise SignInRefusedError(
                "The organization in Goatherd's settings does not exist. Ask your "
                "operator to correct them.",
                cause="GOATHERD_OIDC_ORGANIZATION is the id of no organization.",
            ) from None
        except DomainError as error:
            raise SignInRefusedError(str(error)) from None
        tokens: list[str] = []

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            # It may have been disconnected, or the person erased, a moment ago.
            if identities.confirm_identity(cursor, digest) != person_id:
                raise SignInRefusedError(SPENT)
            People().write(cursor, done.events)
            tokens.append(
                begin_session(
                    cursor,
                    person_id=person_id,
                    organization_id=self.client.organization_id,
                    address=client.address,
                    browser=client.browser,
                    password_alone=False,
                    seconds=self.client.max_age_seconds,
                )
            )

        self._change_person(person_id, _SIGNED_IN, client=client, within=within)
        return SignedIn(token=tokens[-1])

    def _registered(
        self, known: KnownPerson, digest: bytes, client: AskingBrowser
    ) -> UUID:
        """Register a person whom nobody knew here, and return their id."""
        entry, person_id = known.entry, new_id()
        assert entry.role is not None, "nobody gets here without a role"
        role = entry.role
        if entry.email is None:
            raise SignInRefusedError(
                f"{self.client.host} did not say your email address, which an account "
                "here needs. Ask the people who run it.",
                cause="There is no claim email, or it is no address.",
            )
        command = c.RegisterPerson(name=entry.name, email=entry.email)
        email = self._store.names.email_digest(same_email(entry.email))

        def handler() -> Handler[None]:
            return register_from_directory(
                person_id,
                command,
                organization_id=self.client.organization_id,
                role=role,
                has_confirmed=entry.has_confirmed,
                at=datetime.now(UTC),
                plans=self._store.settings.all_plans,
            )

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            identities.add_identity(cursor, digest, person_id, self.client.known_as)
            rows.claim_email(cursor, email, person_id)
            follow_members(cursor, done.events)
            mail_confirmation(cursor, self._store, person_id)

        try:
            self._execute(handler, client, within)
        except IdentityTakenError:
            # Another browser of the same person was faster.
            person = self._person(digest)
            if person is None:
                raise SignInRefusedError(SPENT) from None
            return person
        except EmailTakenError:
            return self._joined(known, digest, email, client)
        return person_id

    def _joined(
        self, known: KnownPerson, digest: bytes, email: bytes, client: AskingBrowser
    ) -> UUID:
        """Let a person who is here join, if both sides confirmed the same address."""
        refused = SignInRefusedError(
            "Somebody has an account here with your email address. If it is yours, "
            "sign in to it in another way, and connect it with "
            f"{self.client.host} on the page You.",
            cause="Both sides have to confirm an address that joins an account.",
        )
        if not known.entry.has_confirmed:
            raise refused
        with self._store.pool.connection() as connection:
            person_id = rows.person_with_email(connection.cursor(), email)
        if person_id is None:
            raise refused
        try:
            self._follow(person_id, known.entry, client, identity=digest)
        except EmailTakenError:
            raise refused from None
        except IdentityTakenError:
            # Another browser of the same person may have been faster.
            if self._person(digest) != person_id:
                raise refused from None
        return person_id

    def _follow(
        self,
        person_id: UUID,
        entry: DirectoryEntry,
        client: AskingBrowser,
        *,
        identity: bytes | None = None,
    ) -> None:
        """Give a person the role that the directory says.

        With ``identity`` they join their account by the address in the entry.

        Raises:
            EmailTakenError: they have not confirmed this address here.
            IdentityTakenError: they have another identity.
        """
        assert entry.role is not None, "nobody gets here without a role"
        role = entry.role

        def handler() -> Handler[bool]:
            return follow_directory(
                person_id,
                organization_id=self.client.organization_id,
                role=role,
                joins_by=None if identity is None else entry.email,
                at=datetime.now(UTC),
                plans=self._store.settings.all_plans,
            )

        def within(cursor: Cursor[TupleRow], done: Executed[bool]) -> None:
            if identity is not None and done.result:
                known_as = self.client.known_as
                identities.add_identity(cursor, identity, person_id, known_as)
            # They may have had more rights until now, and are signed out then.
            follow_members(cursor, done.events)

        if not self._execute(handler, client, within).result:
            raise SignInRefusedError(
                "Somebody removed you from this organization. Ask its admins to add "
                "you again."
            )

    def _person(self, digest: bytes) -> UUID | None:
        with self._store.pool.connection() as connection:
            return identities.person_with_identity(connection.cursor(), digest)

    def _digest(self, known: KnownPerson) -> bytes:
        return self._store.names.identity_digest(known.issuer, known.subject)

    def _execute(
        self,
        handler: Callable[[], Handler[T]],
        client: AskingBrowser,
        within: Callable[[Cursor[TupleRow], Executed[Any]], None],
    ) -> Executed[T]:
        """Execute what the directory decides."""
        context = Context(
            actor=ACTOR, command_id=new_id(), correlation_id=client.correlation_id
        )
        return execute(self._store, handler, context=context, in_transaction=within)

    def _change_person(
        self,
        person_id: UUID,
        command: c.PersonCommand,
        *,
        client: AskingBrowser,
        within: Callable[[Cursor[TupleRow], Executed[Any]], None],
    ) -> None:
        """Execute what a person does about their own account."""
        execute(
            self._store,
            lambda: change_person(person_id, command),
            context=client.context(person_id),
            in_transaction=within,
        )

    async def _write(self, do: Callable[[Cursor[TupleRow]], T]) -> T:
        def run() -> T:
            with self._store.pool.connection() as connection:
                return do(connection.cursor())

        return await asyncio.to_thread(run)

    async def _ask(self, call: Callable[[], T]) -> T:
        """Return the result of a call that waits for the provider."""
        try:
            return await self._outbound.run(call)
        except OutboundBusyError:
            msg = "Too many people sign in at this moment."
            raise ProviderFailedError(msg) from None
