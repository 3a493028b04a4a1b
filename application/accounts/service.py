"""The service of accounts, made once for each process: registering and signing in."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from application.accounts import rows
from application.accounts.confirmations import (
    LINKED_EMAIL,
    LinkedEmail,
    mail_confirmation,
    spend_email_link,
    tell_former_address,
)
from application.accounts.devices import (
    DISMISS,
    NEW_DEVICES,
    NewDevice,
    note_device,
)
from application.accounts.factor_mails import mail_changed_factors
from application.accounts.forgotten import mail_password_link
from application.accounts.operators import is_of_others
from application.accounts.passwords import (
    PasswordHashes,
    Verified,
    common_passwords,
)
from application.accounts.sessions import (
    FIRST_ORGANIZATION,
    begin_session,
    end_other_sessions,
    end_session,
    prove,
)
from application.mail.outbox import can_send_mail
from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.email import checked_email, same_email
from domain.person.errors import PasswordLinkOverError, SecondStepRequiredError
from domain.person.events import SignInMethod
from domain.person.handlers import (
    change_by_link,
    change_person,
    register_first_owner,
)
from domain.person.passwords import check_password, prepared
from infra.database import AsyncPool, run_read_async
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.digests import digest_of
from infra.keys.master_key import MasterKey
from infra.keys.person_secrets import (
    opened_password_hash,
    remove_secret,
    set_password_hash,
)
from infra.structs import structs
from projections.organizations.projection import ApiKeys
from projections.people import People

T = TypeVar("T")

PASSWORD_ADDED = c.ChangeSignInMethod(method="password", change="added")
SIGNED_IN = c.SignInPerson(method="password")
_BY_LINK = c.SignInPerson(method="link")
HAS_OWNER: LiteralString = """
SELECT EXISTS (SELECT FROM members
               WHERE organization_id = %s AND role = 'owner' AND removed_at IS NULL)
"""
_ANYBODY: LiteralString = "SELECT EXISTS (SELECT FROM person_emails)"


class _OutdatedError(Exception):
    """The link or the password that was checked is no longer valid."""


class PasskeyRequiredError(Exception):
    """The password is right, and an organization asks for a second factor.

    The person has a passkey and no codes.
    """


class AskingBrowser(Struct, frozen=True, kw_only=True):
    """The address and the browser of a request, as a session shows them.

    Events have ``correlation_id``, which is that of the request.
    """

    address: str
    browser: str
    correlation_id: UUID

    def context(self, person_id: UUID) -> Context:
        """Return the context of what a person does about their own account."""
        return Context(
            actor=f"person:{person_id}",
            command_id=new_id(),
            correlation_id=self.correlation_id,
        )


class FirstPasskey(Protocol):
    """A passkey that is stored together with its person."""

    def store(
        self, cursor: Cursor[TupleRow], accounts: "PersonAccounts", person_id: UUID
    ) -> None: ...


class SignedIn(Struct, frozen=True, kw_only=True):
    """A session that just began; ``token`` is the value of its cookie."""

    token: str


class SecondStep(Struct, frozen=True, kw_only=True):
    """A right password that waits for a code; ``token`` is the value of its cookie."""

    token: str


class PersonAccounts:
    """People of one installation: who they are, and how they sign in."""

    def __init__(self, store: Store, own: AsyncPool) -> None:
        self._store = store
        self._own = own
        self._hashes = PasswordHashes()

    @property
    def waiting_hashes(self) -> int:
        """Return the number of passwords that wait for their check in this process."""
        return self._hashes.waiting

    # Registering

    async def make_first_owner(
        self,
        organization_id: UUID,
        *,
        name: str,
        email: str,
        password: str = "",
        passkey: FirstPasskey | None = None,
        person_id: UUID | None = None,
        client: AskingBrowser,
        spends: Callable[[Cursor[TupleRow]], None] | None = None,
    ) -> SignedIn:
        """Register the first owner of an organization, and begin their session.

        They sign in with the password, or with a passkey that was made for the id.
        ``spends`` uses up, in the same transaction, the link that leads here.

        Raises:
            DomainError: the name, the address or the password is refused, somebody has
                the address, or the organization has an owner.
        """
        hashed = None
        if passkey is None:
            hashed = await self.hashed(password, email=checked_email(email))
        digest = await asyncio.to_thread(self._digest, email)
        owner_id = person_id or new_id()
        method: SignInMethod = "password" if passkey is None else "passkey"

        def handler() -> Handler[UUID]:
            return register_first_owner(
                owner_id,
                c.RegisterPerson(name=name, email=email),
                c.ChangeSignInMethod(method=method, change="added"),
                c.SignInPerson(method=method),
                organization_id=organization_id,
            )

        tokens: list[str] = []

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            rows.claim_email(cursor, digest, owner_id)
            People().write(cursor, done.events)
            if hashed is not None:
                self.keep_password(cursor, owner_id, hashed)
            if passkey is not None:
                passkey.store(cursor, self, owner_id)
            if spends is not None:
                spends(cursor)
            mail_confirmation(cursor, self._store, owner_id)
            tokens.append(
                begun(
                    cursor,
                    owner_id,
                    organization_id,
                    client,
                    password_alone=passkey is None,
                )
            )

        await asyncio.to_thread(
            execute,
            self._store,
            handler,
            context=client.context(owner_id),
            in_transaction=within,
        )
        return SignedIn(token=tokens[-1])

    # Signing in

    async def sign_in(
        self, email: str, password: str, *, client: AskingBrowser
    ) -> SignedIn | SecondStep | None:
        """Begin a session; None if the address and the password don't fit.

        A person with one-time codes gets a second step, and no session yet. The answer
        takes the same time for an address that nobody has.

        Raises:
            PasskeyRequiredError: the person signs in with a passkey.
        """
        person_id, sealed, checked = await self._checked(email, password)
        if person_id is None or not checked.is_right:
            return None
        try:
            return await self._enter(
                person_id,
                client=client,
                hashed=checked.rehashed,
                checked=sealed,
            )
        except _OutdatedError:
            return None

    async def person_with(self, email: str, password: str) -> UUID | None:
        """Return the person with an address and a password; None if they don't fit.

        The person may belong to no organization. The answer takes the same time for an
        address that nobody has.
        """
        person_id, _, checked = await self._checked(email, password)
        return person_id if checked.is_right else None

    async def _checked(
        self, email: str, password: str
    ) -> tuple[UUID | None, bytes | None, Verified]:
        digest = await asyncio.to_thread(self._digest, email)
        row = await self.read(rows.ACCOUNT, (digest,))
        person_id, sealed = (None, None) if row is None else row
        master_key = await self.opened_key()
        stored = person_id and opened_password_hash(master_key, person_id, sealed)
        return person_id, sealed, await self._hashes.check(prepared(password), stored)

    async def is_password(self, person_id: UUID, password: str) -> bool:
        row = await self.read(rows.STORED_HASH, (person_id,))
        master_key = await self.opened_key()
        sealed = None if row is None else row[0]
        stored = opened_password_hash(master_key, person_id, sealed)
        return (await self._hashes.check(prepared(password), stored)).is_right

    async def has_password(self, person_id: UUID) -> bool:
        """Tell whether a person can sign in with a password."""
        return await self.read(rows.STORED_HASH, (person_id,)) is not None

    async def prove(self, session_id: UUID, *, by_password: bool) -> datetime | None:
        """Note that the person of a session just proved who they are.

        The result is the time of the proof, None if the session is over.
        """

        def note() -> datetime | None:
            with self._store.pool.connection() as connection:
                cursor = connection.cursor()
                return prove(cursor, session_id, by_password=by_password)

        return await asyncio.to_thread(note)

    async def change_password(
        self,
        person_id: UUID,
        password: str,
        *,
        email: str,
        kept: UUID | None,
        client: AskingBrowser,
    ) -> None:
        """Set a password, and end all sessions but the one with the id ``kept``.

        Open links to choose a password end as well.

        Raises:
            WeakPasswordError: the password is easily guessed.
        """
        hashed = await self.hashed(password, email=email)

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            People().write(cursor, done.events)
            self.keep_password(cursor, person_id, hashed)
            end_other_sessions(cursor, person_id, kept)
            rows.end_password_links(cursor, person_id)

        await self.change(person_id, PASSWORD_ADDED, client=client, within=within)

    async def change_email(
        self, person_id: UUID, email: str, *, kept: UUID | None, client: AskingBrowser
    ) -> None:
        """Give a person another address.

        Open links to choose a password end, and all sessions but the one with the id
        ``kept``.

        Where a mail server is set up, the new address is sent a link that confirms it,
        and the former one gets a notice.

        Raises:
            InvalidEmailError: the text is no address.
            EmailTakenError: somebody has the address.
        """
        digest = await asyncio.to_thread(self._digest, email)

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            former = rows.email_of(cursor, person_id)
            rows.move_email(cursor, digest, person_id)
            rows.end_password_links(cursor, person_id)
            end_other_sessions(cursor, person_id, kept)
            People().write(cursor, done.events)
            mail_confirmation(cursor, self._store, person_id)
            if former is not None and same_email(former) != same_email(email):
                tell_former_address(cursor, self._store, person_id, former)

        command = c.ChangeEmail(email=email)
        await self.change(person_id, command, client=client, within=within)

    async def linked_email(self, token: str) -> LinkedEmail | None:
        """Return the address behind a link that confirms it; None if it is over."""
        row = await self.read(LINKED_EMAIL, (digest_of(token),))
        return None if row is None else structs(LinkedEmail, [row])[0]

    async def confirm_email(
        self, token: str, linked: LinkedEmail, *, client: AskingBrowser
    ) -> None:
        """Note that mails reach the person of a link, and use the link up.

        Raises:
            EmailLinkOverError: the link is over, or the address changed meanwhile.
        """

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            spend_email_link(cursor, token, linked.person_id)
            People().write(cursor, done.events)

        command = c.ConfirmEmail(email=linked.email)
        await self.change(linked.person_id, command, client=client, within=within)

    async def mail_confirmation(self, person_id: UUID) -> bool:
        """Let a person confirm their address by mail; tell if a mail will be sent."""
        sent: list[bool] = []
        await self.in_transaction(
            lambda cursor: sent.append(
                mail_confirmation(cursor, self._store, person_id)
            )
        )
        return sent[-1]

    async def sign_out(self, person_id: UUID, session_id: UUID) -> None:
        """End one session."""

        def end() -> None:
            with self._store.pool.connection() as connection:
                end_session(connection.cursor(), person_id, session_id)

        await asyncio.to_thread(end)

    # Links that set a password

    async def linked_person(self, token: str) -> rows.LinkedPerson | None:
        """Return the person of a link without using it up; None if it is over."""
        row = await self.read(rows.LINKED, (digest_of(token),))
        if row is None:
            return None
        return structs(rows.LinkedPerson, [row])[0]

    async def use_password_link(
        self,
        token: str,
        *,
        name: str | None,
        password: str,
        client: AskingBrowser,
    ) -> SignedIn | SecondStep | None:
        """Set the password of a link's person, and sign them in; None if it is over.

        A link replaces the password and not the code of a person who has one-time
        codes.

        All earlier sessions of the person end. A mailed link that confirms their
        address for the first time also ends every other way in.

        Raises:
            DomainError: the password or the name is refused; the link stays valid.
        """
        person = await self.linked_person(token)
        if person is None:
            return None
        hashed = await self.hashed(password, email=person.email)
        renamed = () if name is None else (c.ChangePerson(name=name),)
        confirm = c.ConfirmEmail(email=person.email)
        try:
            entered = await self._enter(
                person.id,
                *(*renamed, PASSWORD_ADDED),
                *((confirm,) if person.by_mail else ()),
                client=client,
                hashed=hashed,
                link=person,
            )
        except PasswordLinkOverError:
            return None
        if not person.has_password:
            await self.mail_confirmation(person.id)
        return entered

    async def use_link_for_passkey(
        self,
        person: rows.LinkedPerson,
        *,
        name: str | None,
        passkey: FirstPasskey,
        client: AskingBrowser,
    ) -> SignedIn | None:
        """Let a link's person sign in with a passkey, and no password any more.

        All earlier sessions of the person end. None stands for a link that is over, for
        a person without an organization, and for one who has one-time codes: a link
        does not replace those.

        Raises:
            DomainError: the name is refused; the link stays valid.
            PasskeyRefusedError: as ``FirstPasskey.store``.
        """
        commands = [
            *(() if name is None else (c.ChangePerson(name=name),)),
            c.ChangeSignInMethod(method="passkey", change="added"),
            c.ChangeSignInMethod(method="password", change="removed"),
            *((c.ConfirmEmail(email=person.email),) if person.by_mail else ()),
            c.SignInPerson(method="passkey"),
        ]

        def within(cursor: Cursor[TupleRow]) -> None:
            if rows.has_codes(cursor, person.id):
                raise PasswordLinkOverError
            passkey.store(cursor, self, person.id)
            remove_secret(cursor, person.id, "password")

        try:
            entered = await self.begin(
                person.id, *commands, client=client, within=within, link=person
            )
        except PasswordLinkOverError:
            return None
        if not person.has_password:
            await self.mail_confirmation(person.id)
        return entered

    @property
    def can_mail(self) -> bool:
        """Tell whether the settings name a mail server."""
        return can_send_mail(self._store)

    async def mail_password_link(self, email: str) -> None:
        """Send the person with an address a link; nobody gets one for another."""
        await asyncio.to_thread(mail_password_link, self._store, email)

    async def enter_by_link(
        self, token: str, *, client: AskingBrowser, seconds: int
    ) -> SignedIn | None:
        """Begin a session of a link's person, where nobody has a password.

        It ends after ``seconds``, and earlier ones at once. The result is None if the
        link is over.
        """
        person = await self.linked_person(token)
        if person is None:
            return None

        try:
            return await self.begin(
                person.id,
                _BY_LINK,
                client=client,
                within=lambda _: None,
                seconds=seconds,
                link=person,
            )
        except PasswordLinkOverError:
            return None

    async def note_device(self, signed_in: SignedIn, device: str) -> None:
        """Note the browser of a new session, and tell the person if it is new."""
        await asyncio.to_thread(note_device, self._store, signed_in.token, device)

    async def new_devices(self, person_id: UUID) -> list[NewDevice]:
        """Return the new browsers that a person has not dismissed yet, newest first."""
        return structs(NewDevice, await self.read_all(NEW_DEVICES, (person_id,)))

    async def dismiss_devices(self, person_id: UUID) -> None:
        """Note that a person has seen their new browsers."""

        def dismiss() -> None:
            with self._store.pool.connection() as connection:
                connection.execute(DISMISS, (person_id,))

        await asyncio.to_thread(dismiss)

    async def has_owner(self, organization_id: UUID) -> bool:
        """Tell whether a person owns an organization."""
        row = await self.read(HAS_OWNER, (organization_id,))
        return row is not None and row[0]

    async def is_anybody_registered(self) -> bool:
        """Tell whether the installation has a person."""
        row = await self.read(_ANYBODY, ())
        return row is not None and row[0]

    # Parts that other ways to sign in share

    async def _enter(
        self,
        person_id: UUID,
        *commands: c.PersonCommand,
        client: AskingBrowser,
        hashed: str | None,
        checked: bytes | None = None,
        link: rows.LinkedPerson | None = None,
    ) -> SignedIn | SecondStep | None:
        """Begin a session after a right password, or ask for a code.

        ``hashed`` replaces the hash of the password. ``checked`` is the sealed hash
        that the person's password was compared with. ``link`` is used up.

        Raises:
            _OutdatedError: the password was changed since.
            PasswordLinkOverError: the link is over.
            PasskeyRequiredError: the password alone is too little.
        """

        def within(cursor: Cursor[TupleRow]) -> None:
            if checked is not None and checked != rows.stored_hash(cursor, person_id):
                raise _OutdatedError
            if hashed is not None:
                self.keep_password(cursor, person_id, hashed)

        def alone(cursor: Cursor[TupleRow]) -> None:
            # A link is the way back in of somebody who lost their passkey.
            if link is None and rows.needs_passkey(cursor, person_id):
                raise PasskeyRequiredError
            within(cursor)

        try:
            return await self.begin(
                person_id,
                *commands,
                SIGNED_IN,
                client=client,
                within=alone,
                password_alone=link is None,
                link=link,
            )
        except SecondStepRequiredError:
            tokens: list[str] = []

        def first_step(cursor: Cursor[TupleRow], done: Executed[Any] | None) -> None:
            within(cursor)
            if done is not None:
                People().write(cursor, done.events)
            tokens.append(rows.make_second_step(cursor, person_id))

        if commands:
            await self.change(
                person_id, *commands, client=client, within=first_step, link=link
            )
        else:
            await self.in_transaction(lambda cursor: first_step(cursor, None))
        return SecondStep(token=tokens[-1])

    async def begin(
        self,
        person_id: UUID,
        *commands: c.PersonCommand,
        client: AskingBrowser,
        within: Callable[[Cursor[TupleRow]], None],
        password_alone: bool = False,
        seconds: int | None = None,
        link: rows.LinkedPerson | None = None,
    ) -> SignedIn | None:
        """Begin a session in the person's organization; None if they have none.

        ``within`` runs in the transaction of the commands, and may refuse them. With
        ``seconds`` the session ends after this time. With ``password_alone`` the person
        has entered a password and nothing else. ``link`` is used up, as in ``change``.
        """
        row = await self.read(FIRST_ORGANIZATION, (person_id,))
        organization_id: UUID | None = None if row is None else row[0]
        if organization_id is None:
            return None
        tokens: list[str] = []

        def begin(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            within(cursor)
            People().write(cursor, done.events)
            tokens.append(
                begun(
                    cursor,
                    person_id,
                    organization_id,
                    client,
                    password_alone=password_alone,
                    seconds=seconds,
                )
            )

        await self.change(person_id, *commands, client=client, within=begin, link=link)
        return SignedIn(token=tokens[-1])

    async def in_transaction(self, work: Callable[[Cursor[TupleRow]], None]) -> None:
        """Change rows without an event, all or none."""

        def run() -> None:
            with self._store.pool.connection() as connection, connection.transaction():
                work(connection.cursor())

        await asyncio.to_thread(run)

    async def change(
        self,
        person_id: UUID,
        *commands: c.PersonCommand,
        client: AskingBrowser,
        within: Callable[[Cursor[TupleRow], Executed[Any]], None],
        link: rows.LinkedPerson | None = None,
    ) -> None:
        """Execute commands to a person; ``within`` runs in their transaction.

        The person is written to if their second factor changed.
        The ``link`` that lets them in is used up before, and ends earlier sessions.

        Raises:
            DomainError: a command is refused.
            PasswordLinkOverError: the link was used, or its maker could not make it
                now.
        """
        context = client.context(person_id)

        def noted(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            within(cursor, done)
            mail_changed_factors(cursor, self._store, done.events)

        if link is not None:
            await asyncio.to_thread(
                self._change_by_link, link, commands, context, noted
            )
            return
        await asyncio.to_thread(
            execute,
            self._store,
            lambda: change_person(person_id, *commands),
            context=context,
            in_transaction=noted,
        )

    def _change_by_link(
        self,
        link: rows.LinkedPerson,
        commands: Sequence[c.PersonCommand],
        context: Context,
        within: Callable[[Cursor[TupleRow], Executed[Any]], None],
    ) -> None:
        with_keys: Collection[UUID] = ()

        def handler() -> Handler[None]:
            nonlocal with_keys
            with self._store.pool.connection() as connection:
                cursor = connection.cursor()
                with_keys = rows.organizations_with_keys(cursor, link.id)
            return change_by_link(
                link.id,
                *commands,
                maker=link.maker,
                with_keys=with_keys,
                at=datetime.now(UTC),
            )

        def spend(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
            rows.spend_password_link(cursor, link)
            made_in = link.organization_id
            if made_in is not None and is_of_others(cursor, link.id, made_in):
                raise PasswordLinkOverError
            end_other_sessions(cursor, link.id, None)
            if any(isinstance(one.event, e.EmailConfirmed) for one in done.events):
                # Somebody may have made a key since the decision.
                if rows.organizations_with_keys(cursor, link.id) != with_keys:
                    raise AppendConflictError
                rows.remove_other_ways_in(cursor, link.id)
                ApiKeys().write(cursor, done.events)
            within(cursor, done)

        execute(self._store, handler, context=context, in_transaction=spend)

    async def read(
        self,
        query: LiteralString,
        parameters: tuple[object, ...] | Mapping[str, object],
    ) -> TupleRow | None:
        """Return the first row of a query, None without one."""
        return next(iter(await self.read_all(query, parameters)), None)

    async def read_all(
        self,
        query: LiteralString,
        parameters: tuple[object, ...] | Mapping[str, object],
    ) -> list[TupleRow]:
        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()

        return await run_read_async(self._own, run)

    async def hashed(self, password: str, *, email: str) -> str:
        """Return the hash of a new password.

        Raises:
            WeakPasswordError: the password is easily guessed.
        """
        check_password(password, email=email, common=common_passwords())
        return await self._hashes.made(prepared(password))

    def keep_password(
        self, cursor: Cursor[TupleRow], person_id: UUID, hashed: str
    ) -> None:
        """Store the hash of a person's password in place of another one."""
        set_password_hash(cursor, self.key_within(cursor), person_id, hashed)

    def key_within(self, cursor: Cursor[TupleRow]) -> MasterKey:
        """Return the key that encrypts secrets, read by the connection if need be."""
        return self._store.keyring.master_key(cursor.connection)

    async def opened_key(self) -> MasterKey:
        """Return the key that encrypts secrets."""
        return await asyncio.to_thread(self._store.keyring.master_key)

    def _digest(self, email: str) -> bytes:
        return self._store.names.email_digest(same_email(email))


def begun(
    cursor: Cursor[TupleRow],
    person_id: UUID,
    organization_id: UUID,
    client: AskingBrowser,
    *,
    password_alone: bool = True,
    seconds: int | None = None,
) -> str:
    """Begin a session of a browser, and return the value of its cookie."""
    return begin_session(
        cursor,
        person_id=person_id,
        organization_id=organization_id,
        address=client.address,
        browser=client.browser,
        password_alone=password_alone,
        seconds=seconds,
    )
