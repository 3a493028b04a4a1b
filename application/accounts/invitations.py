"""Invitations and memberships outside of the log: links, sessions, and keys.

The link of an invitation has a secret, of which only a digest is stored. When the
invitation ends, its link goes, and the key of its address is destroyed.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_urlsafe
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.accounts.rows import end_links_of_admins
from application.accounts.sessions import end_other_sessions
from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.email import same_email
from domain.errors import NotFoundError
from domain.messages import MemberRole
from domain.organization.errors import InvitationOverError
from domain.organization.handlers.members import accept_invitation, end_invitation
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.keys.digests import digest_of
from infra.keys.keyring import destroy
from infra.structs import structs
from projections.organizations.projection import ApiKeys
from projections.people import People

LIFETIME = timedelta(days=7)
# Somebody may send it again for as long as it was valid.
KEPT_AFTER = LIFETIME
FORGETTING = "policy:invitations"

_Ended = e.InvitationAccepted | e.InvitationDeclined | e.InvitationWithdrawn

_ADD: LiteralString = """
INSERT INTO invitation_links (digest, invitation_id, organization_id, email_digest)
VALUES (%s, %s, %s, %s)
"""
_RENEW: LiteralString = """
UPDATE invitation_links SET digest = %s, mail_digest = NULL WHERE invitation_id = %s
"""
_OF_LINK: LiteralString = "(l.digest = %(digest)s OR l.mail_digest = %(digest)s)"
_FIND: LiteralString = f"""
SELECT l.organization_id, l.invitation_id,
       coalesce(l.mail_digest = %(digest)s, false)
FROM invitation_links l WHERE {_OF_LINK}
"""  # noqa: S608 - constants only
_SPEND: LiteralString = f"""
DELETE FROM invitation_links l WHERE {_OF_LINK} RETURNING 1
"""  # noqa: S608 - constants only
_END: LiteralString = "DELETE FROM invitation_links WHERE invitation_id = ANY(%s)"
# A mail that still waits has the address, and a link that is over.
_END_MAILS: LiteralString = "DELETE FROM mails WHERE subject = ANY(%s)"
_TO_ADDRESS: LiteralString = """
SELECT organization_id, invitation_id FROM invitation_links WHERE email_digest = %s
"""
# Invitations that ended after older data were backed up, as newer keys know.
_UNAPPLIED: LiteralString = """
SELECT l.organization_id, l.invitation_id FROM invitation_links l
JOIN subject_keys k ON k.subject = l.invitation_id WHERE k.wrapped IS NULL
"""
_OLD: LiteralString = """
SELECT organization_id, id FROM invitations
WHERE ended_at IS NULL AND expires_at <= %s ORDER BY expires_at LIMIT 100
"""
INVITED: LiteralString = f"""
SELECT i.id, i.organization_id, o.name,
       (SELECT m.name FROM members m WHERE m.organization_id = i.organization_id
        AND 'person:' || m.person_id = i.invited_by),
       i.email, i.role,
       CASE WHEN i.project_ids IS NOT NULL THEN ARRAY(
           SELECT p.name FROM projects p WHERE p.organization_id = i.organization_id
           AND p.id = ANY(i.project_ids) ORDER BY p.name, p.id) END,
       i.money, i.expires_at
FROM invitation_links l
JOIN invitations i ON i.organization_id = l.organization_id AND i.id = l.invitation_id
JOIN organizations o ON o.organization_id = i.organization_id
WHERE {_OF_LINK} AND i.ended_at IS NULL AND i.expires_at > now()
"""  # noqa: S608 - constants only


class Invited(Struct, frozen=True, kw_only=True):
    """A valid invitation, as the invited person reads it before they answer.

    ``inviter`` is the name of the person who made it, None for a key and the command
    line. ``projects`` are the names of the projects, None for all.
    """

    id: UUID
    organization_id: UUID
    organization: str
    inviter: str | None
    email: str
    role: MemberRole
    projects: list[str] | None
    money: bool
    expires_at: datetime


class FoundInvitation(Struct, frozen=True, kw_only=True):
    """The invitation behind a link, which may have expired.

    ``by_mail`` tells that the link is the one in the mail to the address.
    """

    organization_id: UUID
    id: UUID
    by_mail: bool = False


def draw_token() -> str:
    return token_urlsafe(32)


def of_link(token: str) -> dict[str, bytes]:
    """Return the parameters of queries that find an invitation by one of its links."""
    return {"digest": digest_of(token)}


def path_of(token: str) -> str:
    """Return the path of an invitation's link."""
    return f"/invitations/{token}"


def email_digest(store: Store, email: str) -> bytes:
    """Return the keyed hash of an address, by which invitations to it are found."""
    return store.names.email_digest(same_email(email))


def add_link(
    cursor: Cursor[Any],
    invitation_id: UUID,
    *,
    organization_id: UUID,
    token: str,
    email_digest: bytes,
) -> None:
    """Store the link of a new invitation."""
    row = (digest_of(token), invitation_id, organization_id, email_digest)
    cursor.execute(_ADD, row)


def renew_link(cursor: Cursor[Any], invitation_id: UUID, *, token: str) -> None:
    """Store another link of an open invitation; earlier ones no longer work."""
    cursor.execute(_RENEW, (digest_of(token), invitation_id))
    cursor.execute(_END_MAILS, ([invitation_id],))


def spend_link(cursor: Cursor[Any], token: str) -> None:
    """Use a link up.

    Raises:
        InvitationOverError: somebody was faster, or the link was replaced.
    """
    if cursor.execute(_SPEND, of_link(token)).fetchone() is None:
        raise InvitationOverError


def follow_members(
    cursor: Cursor[TupleRow],
    events: Sequence[RecordedEvent],
    *,
    kept: UUID | None = None,
) -> None:
    """Give events of members and invitations their effect, in the append's transaction.

    A person whose rights changed or ended is signed out, except in the session with the
    id ``kept``. Links that admins made for them, and that they made for others, end.
    """
    People().write(cursor, events)
    # The keys of a person who is removed end as well.
    ApiKeys().write(cursor, events)
    ended: list[UUID] = []
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.MemberChanged | e.MemberRemoved):
            end_other_sessions(cursor, event.person_id, kept)
        if isinstance(event, e.MemberAdded | e.MemberChanged | e.MemberRemoved):
            end_links_of_admins(cursor, recorded.stream, event.person_id)
        if isinstance(event, _Ended):
            ended.append(event.id)
    if ended:
        cursor.execute(_END, (ended,))
        cursor.execute(_END_MAILS, (ended,))
        destroy(cursor, ended)


def found_invitation(store: Store, token: str) -> FoundInvitation:
    """Return the invitation behind a link, which may have expired.

    Raises:
        InvitationOverError: the link was used, replaced or withdrawn.
    """
    with store.pool.connection() as connection:
        rows = connection.execute(_FIND, of_link(token)).fetchall()
    found = next(iter(structs(FoundInvitation, rows)), None)
    if found is None:
        raise InvitationOverError
    return found


def accepting(store: Store, token: str, person_id: UUID) -> Handler[UUID]:
    """Return the handler with which a person accepts the invitation behind a link.

    The transaction must call ``spend_link`` and ``follow_members``.

    Raises:
        InvitationOverError: the link was used, replaced or withdrawn.
    """
    found = found_invitation(store, token)
    return accept_invitation(
        found.organization_id,
        found.id,
        person_id,
        by_mail=found.by_mail,
        at=datetime.now(UTC),
    )


def decline(store: Store, token: str, *, correlation_id: UUID) -> None:
    """Decline an invitation, for somebody who has its link and maybe no account.

    Raises:
        InvitationOverError: the invitation ended, or it expired.
    """

    def handler() -> Handler[None]:
        found = found_invitation(store, token)
        command = c.DeclineInvitation(id=found.id, at=datetime.now(UTC))
        return end_invitation(found.organization_id, command)

    def within(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        spend_link(cursor, token)
        follow_members(cursor, done.events)

    context = Context(
        actor="invited", command_id=new_id(), correlation_id=correlation_id
    )
    execute(store, handler, context=context, in_transaction=within)


def forget_address(store: Store, email: str, *, context: Context) -> int:
    """Withdraw all invitations to an address, and return their number.

    Nobody can read the address any more then.
    """
    digest = email_digest(store, email)
    with store.pool.connection() as connection:
        rows = connection.execute(_TO_ADDRESS, (digest,)).fetchall()
    return _withdraw(store, _found(rows), context=context)


def forget_old_addresses(store: Store, *, now: datetime | None = None) -> int:
    """Withdraw invitations that expired a week ago, and return their number.

    Nobody can read their addresses any more then.
    """
    until = (now or datetime.now(UTC)) - KEPT_AFTER
    with store.pool.connection() as connection:
        found = connection.execute(_OLD, (until,)).fetchall()
    context = Context(actor=FORGETTING, command_id=new_id())
    old = _found(found)
    return _withdraw(store, old, context=context, if_expired_at=until)


def invitations_to_end_again(
    connection: Connection[TupleRow],
) -> list[FoundInvitation]:
    """Return open invitations whose keys are destroyed, because they ended once."""
    return _found(connection.execute(_UNAPPLIED))


def end_invitations_again(store: Store, *, context: Context) -> None:
    """Withdraw the invitations that ended after the data were backed up."""
    with store.pool.connection() as connection:
        found = invitations_to_end_again(connection)
    _withdraw(store, found, context=context)


def _found(rows: Iterable[TupleRow]) -> list[FoundInvitation]:
    return [FoundInvitation(organization_id=of, id=id_) for of, id_ in rows]


def _withdraw(
    store: Store,
    found: Sequence[FoundInvitation],
    *,
    context: Context,
    if_expired_at: datetime | None = None,
) -> int:
    for each in found:
        command = c.WithdrawInvitation(id=each.id, if_expired_at=if_expired_at)
        # Somebody may have answered it meanwhile.
        with suppress(NotFoundError):
            execute(
                store,
                partial(end_invitation, each.organization_id, command),
                context=context,
                in_transaction=lambda cursor, done: follow_members(cursor, done.events),
            )
    return len(found)
