"""Joining organizations: invitations are answered, and sessions change over."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from application.accounts import rows
from application.accounts.confirmations import mail_confirmation
from application.accounts.invitations import (
    INVITED,
    Invited,
    accepting,
    decline,
    email_digest,
    follow_members,
    found_invitation,
    of_link,
    spend_link,
)
from application.accounts.service import (
    AskingBrowser,
    FirstPasskey,
    PersonAccounts,
    SignedIn,
    begun,
)
from application.accounts.sessions import move_session
from domain import commands as c
from domain.decisions import Handler
from domain.messages import MemberRole
from domain.organization.errors import InvitationOverError
from domain.organization.handlers.members import register_invited
from domain.person.events import SignInMethod
from infra.database import AsyncPool, run_read_async
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.structs import structs

_OWN_ORGANIZATIONS: LiteralString = """
SELECT m.organization_id, o.name, m.role
FROM members m JOIN organizations o USING (organization_id)
WHERE m.person_id = %s AND m.removed_at IS NULL ORDER BY o.name, m.organization_id
"""
_HAS_COLLEAGUES: LiteralString = """
SELECT EXISTS (SELECT FROM invitations
               WHERE organization_id = %s AND ended_at IS NULL)
    OR EXISTS (SELECT FROM members
               WHERE organization_id = %s AND removed_at IS NULL OFFSET 1)
"""
# The person must be allowed to see the project there.
_ORGANIZATIONS_WITH: LiteralString = """
SELECT m.organization_id FROM members m
WHERE m.person_id = %(person)s AND m.removed_at IS NULL AND EXISTS (
    SELECT FROM (
        SELECT project_id FROM creator_list
        WHERE organization_id = m.organization_id AND id = ANY(%(ids)s)
        UNION ALL
        SELECT project_id FROM videos
        WHERE organization_id = m.organization_id AND id = ANY(%(ids)s)
        UNION ALL
        SELECT project_id FROM campaigns
        WHERE organization_id = m.organization_id AND id = ANY(%(ids)s)
        UNION ALL
        SELECT id FROM projects
        WHERE organization_id = m.organization_id AND id = ANY(%(ids)s)
    ) AS found
    WHERE m.project_ids IS NULL OR found.project_id = ANY(m.project_ids)
)
"""


class OwnOrganization(Struct, frozen=True, kw_only=True):
    """An organization that a person belongs to."""

    id: UUID
    name: str
    role: MemberRole


class Joining:
    """The answers to invitations, and the organizations of people."""

    def __init__(self, store: Store, own: AsyncPool, accounts: PersonAccounts) -> None:
        self._store = store
        self._own = own
        self._accounts = accounts

    async def invited(self, token: str) -> Invited | None:
        """Return the invitation behind a link, None if it is over."""
        row = await self._accounts.read(INVITED, of_link(token))
        return None if row is None else structs(Invited, [row])[0]

    async def has_account(self, email: str) -> bool:
        """Tell whether somebody has an address."""
        digest = await asyncio.to_thread(email_digest, self._store, email)
        return await self._accounts.read(rows.ACCOUNT, (digest,)) is not None

    async def accept_invitation(
        self,
        token: str,
        *,
        person_id: UUID,
        session_id: UUID | None,
        client: AskingBrowser,
    ) -> SignedIn | None:
        """Become a member, in a session that is in the new organization afterwards.

        None means that there was no session, or that it ended meanwhile.

        Raises:
            InvitationOverError: the invitation ended, or it expired.
            AnotherAddressError: the invitation is for another address.
        """
        tokens: list[str | None] = []

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            spend_link(cursor, token)
            follow_members(cursor, done.events)
            if session_id is not None:
                tokens.append(
                    move_session(
                        cursor,
                        session_id,
                        person_id=person_id,
                        organization_id=done.result,
                    )
                )

        await asyncio.to_thread(
            execute,
            self._store,
            lambda: accepting(self._store, token, person_id),
            context=client.context(person_id),
            in_transaction=within,
        )
        moved = tokens[-1] if tokens else None
        return None if moved is None else SignedIn(token=moved)

    async def join(
        self,
        token: str,
        *,
        name: str,
        password: str = "",
        passkey: FirstPasskey | None = None,
        person_id: UUID | None = None,
        client: AskingBrowser,
    ) -> SignedIn:
        """Register with the invited address, become a member, and begin a session.

        They sign in with the password, or with a passkey that was made for the id.

        Raises:
            InvitationOverError: the invitation ended, or it expired.
            DomainError: the name or the password is refused, or somebody has the
                address, who signs in and accepts.
        """
        invited = await self.invited(token)
        if invited is None:
            raise InvitationOverError
        hashed = None
        if passkey is None:
            hashed = await self._accounts.hashed(password, email=invited.email)
        method: SignInMethod = "password" if passkey is None else "passkey"
        digest = await asyncio.to_thread(email_digest, self._store, invited.email)
        new_person = person_id or new_id()
        tokens: list[str] = []

        def handler() -> Handler[None]:
            found = found_invitation(self._store, token)
            confirm = c.ConfirmEmail(email=invited.email)
            return register_invited(
                invited.organization_id,
                invited.id,
                new_person,
                c.RegisterPerson(name=name, email=invited.email),
                *((confirm,) if found.by_mail else ()),
                c.ChangeSignInMethod(method=method, change="added"),
                c.SignInPerson(method=method),
                at=datetime.now(UTC),
            )

        def within(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
            spend_link(cursor, token)
            rows.claim_email(cursor, digest, new_person)
            follow_members(cursor, done.events)
            mail_confirmation(cursor, self._store, new_person)
            if hashed is not None:
                self._accounts.keep_password(cursor, new_person, hashed)
            if passkey is not None:
                passkey.store(cursor, self._accounts, new_person)
            tokens.append(begun(cursor, new_person, invited.organization_id, client))

        await asyncio.to_thread(
            execute,
            self._store,
            handler,
            context=client.context(new_person),
            in_transaction=within,
        )
        return SignedIn(token=tokens[-1])

    async def decline_invitation(self, token: str, *, correlation_id: UUID) -> None:
        """Decline an invitation.

        Raises:
            InvitationOverError: the invitation ended, or it expired.
        """
        await asyncio.to_thread(
            decline, self._store, token, correlation_id=correlation_id
        )

    async def organizations_of(self, person_id: UUID) -> list[OwnOrganization]:
        """Return the organizations of a person, by name."""

        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            cursor = await connection.execute(_OWN_ORGANIZATIONS, (person_id,))
            return await cursor.fetchall()

        return structs(OwnOrganization, await run_read_async(self._own, run))

    async def organizations_with(
        self, person_id: UUID, ids: Sequence[UUID]
    ) -> set[UUID]:
        """Return a person's organizations in which they may see something.

        ``ids`` are the ids of creators, videos, campaigns and projects of which it is
        one.
        """

        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            parameters = {"person": person_id, "ids": list(ids)}
            cursor = await connection.execute(_ORGANIZATIONS_WITH, parameters)
            return await cursor.fetchall()

        return {one for (one,) in await run_read_async(self._own, run)}

    async def has_colleagues(self, organization_id: UUID) -> bool:
        """Tell whether an organization has several people, or an open invitation."""
        of = (organization_id, organization_id)
        row = await self._accounts.read(_HAS_COLLEAGUES, of)
        return row is not None and row[0]

    async def switch_organization(
        self, session_id: UUID, *, person_id: UUID, organization_id: UUID
    ) -> SignedIn | None:
        """Move a session to another organization of its person, with a new cookie.

        None means that the session ended, or that the person is no member there.
        """

        def switch() -> str | None:
            with self._store.pool.connection() as connection, connection.transaction():
                return move_session(
                    connection.cursor(),
                    session_id,
                    person_id=person_id,
                    organization_id=organization_id,
                )

        token = await asyncio.to_thread(switch)
        return None if token is None else SignedIn(token=token)
