"""Accounts as operators change them: registrations, links, and erasures."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.accounts import rows
from application.accounts.factor_mails import mail_changed_factors
from application.accounts.invitations import follow_members
from application.accounts.rows import SECOND_FACTOR_REMOVED
from application.accounts.typed_addresses import take_out_address
from application.erase.texts import ForgettingCommand
from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.email import same_email
from domain.person.handlers import (
    change_person,
    erase_person,
    hand_over_link,
    register_person,
)
from domain.view.decider import view_of
from domain.view.handlers import change_view
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from infra.keys.keyring import destroy
from projections.people import People

_ORGANIZATIONS: LiteralString = """
SELECT organization_id FROM members WHERE person_id = %(person)s AND removed_at IS NULL
"""
_INVITATIONS: LiteralString = f"""
SELECT organization_id, invitation_id FROM invitation_links
WHERE email_digest IN ({rows.OWN_DIGESTS})
"""  # noqa: S608 - constants only
_IS_OF_OTHERS: LiteralString = """
SELECT EXISTS (SELECT FROM members WHERE person_id = %(person)s
               AND organization_id <> %(organization)s AND removed_at IS NULL)
    OR EXISTS (SELECT FROM person_identities WHERE person_id = %(person)s)
    AND NOT EXISTS (SELECT FROM person_secrets
                    WHERE person_id = %(person)s AND kind = 'password')
"""
# The table may be behind the log.
_VIEWS: LiteralString = """
SELECT id FROM views WHERE owner_id = %(person)s AND is_private
UNION
SELECT originator_id FROM goatherd_events
WHERE topic IN ('view_saved', 'view_changed')
AND notification_id > (
    SELECT coalesce(max(position), 0) FROM projection WHERE name = 'views')
AND convert_from(state, 'UTF8')::jsonb ->> 'owner_id' = %(person)s::text
"""
# Endpoints may answer with what they got, such as the name of a new member.
_FORGET_ANSWERS: LiteralString = """
UPDATE webhook_deliveries SET answer = NULL
WHERE answer IS NOT NULL AND organization_id IN (
    SELECT organization_id FROM members WHERE person_id = %s)
"""
# Members who were erased after older data were backed up, as newer keys know.
_UNAPPLIED: LiteralString = """
SELECT p.person_id FROM people p JOIN subject_keys k ON k.subject = p.person_id
WHERE k.wrapped IS NULL AND p.erased_at IS NULL
"""


def person_with_email(store: Store, email: str) -> UUID | None:
    """Return the id of the person with an address, None if nobody has it."""
    digest = store.names.email_digest(same_email(email))
    with store.pool.connection() as connection:
        return rows.person_with_email(connection.cursor(), digest)


def has_password(store: Store, person_id: UUID) -> bool:
    """Tell whether a person can sign in with a password."""
    with store.pool.connection() as connection:
        return rows.stored_hash(connection.cursor(), person_id) is not None


def register(store: Store, *, name: str, email: str, context: Context) -> UUID:
    """Register a person without a password, who gets one by a link.

    Raises:
        DomainError: the name or the address is refused, or somebody has the address.
    """
    person_id, digest = new_id(), store.names.email_digest(same_email(email))

    def within(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        rows.claim_email(cursor, digest, person_id)
        People().write(cursor, done.events)

    execute(
        store,
        lambda: register_person(person_id, c.RegisterPerson(name=name, email=email)),
        context=context,
        in_transaction=within,
    )
    return person_id


def make_password_link(
    store: Store,
    person_id: UUID,
    *,
    lifetime: timedelta = rows.LINK_LIFETIME,
    context: Context | None = None,
) -> tuple[str, datetime]:
    """Return the path of a link that sets a password, once, and its end.

    With a ``context`` the audits of the person's organizations say so.
    """
    found: list[tuple[str, datetime]] = []

    def make(cursor: Cursor[TupleRow]) -> None:
        found.append(rows.make_password_link(cursor, person_id, lifetime=lifetime))

    def handler() -> Handler[None]:
        with store.pool.connection() as connection:
            of = rows.organizations_of(connection.cursor(), person_id)
        return hand_over_link(person_id, of)

    if context is not None:
        execute(
            store,
            handler,
            context=context,
            in_transaction=lambda cursor, _: make(cursor),
        )
    if not found:
        # No organization is there that could note it.
        with store.pool.connection() as connection:
            make(connection.cursor())
    token, until = found[-1]
    return f"/password/{token}", until


def is_of_others(cursor: Cursor[Any], person_id: UUID, organization_id: UUID) -> bool:
    """Tell whether an account is not an organization's alone.

    Its person belongs to another organization as well, or a directory alone signs them
    in.
    """
    of = {"person": person_id, "organization": organization_id}
    row = cursor.execute(_IS_OF_OTHERS, of).fetchone()
    return row is not None and row[0]


def remove_second_factor(store: Store, person_id: UUID, *, context: Context) -> None:
    """Ask a person for no codes any more who lost their phone and recovery codes."""

    def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
        rows.remove_second_factor(cursor, person_id)
        People().write(cursor, done.events)
        mail_changed_factors(cursor, store, done.events)

    execute(
        store,
        lambda: change_person(person_id, *SECOND_FACTOR_REMOVED),
        context=context,
        in_transaction=within,
    )


def people_to_erase_again(connection: Connection[TupleRow]) -> list[UUID]:
    """Return the people whose keys are destroyed, and whom the log has not erased."""
    return [person_id for (person_id,) in connection.execute(_UNAPPLIED)]


def erase_again(store: Store, *, context: Context) -> list[UUID]:
    """Erase the people who were erased after the data were backed up; return them.

    A last owner is erased as well, because their name can't be read any more.
    """
    with store.pool.connection() as connection:
        found = people_to_erase_again(connection)
    for person_id in found:
        erase(store, person_id, even_last_owner=True, context=context)
    return found


def erase(
    store: Store,
    person_id: UUID,
    *,
    even_last_owner: bool = False,
    context: Context,
) -> None:
    """Erase a person: their key, and everything that is kept outside of the log.

    Their addresses, former ones as well, are first taken out of the email channels and
    reports of their organizations, and the views that are for them alone are deleted,
    in transactions of their own: an erasure that was killed is repeated.

    An organization without an owner, which ``even_last_owner`` allows, gets another
    one from any of its admin keys.

    Raises:
        NotFoundError: they were erased already.
        LastOwnerError: they are the last owner of an organization.
        BusyError: a backup reads the tables of a report that had the address.
    """
    _note_addresses(store, person_id)
    known: Collection[UUID] = ()

    def handler() -> Handler[None]:
        nonlocal known
        with store.pool.connection() as connection:
            cursor = connection.cursor()
            known = _organizations(cursor, person_id)
            invited = {id_ for _, id_ in _invitations(cursor, person_id)}
        return erase_person(
            person_id, known, invited=invited, even_last_owner=even_last_owner
        )

    def check() -> None:
        take_out_address(store, person_id, context=context)
        _erase_own_views(store, person_id, context=context)

    def within(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        # Somebody may have added or invited them in another one since the decision.
        if _organizations(cursor, person_id) != known:
            raise AppendConflictError
        destroy(cursor, [person_id])
        rows.forget_person(cursor, person_id)
        cursor.execute(_FORGET_ANSWERS, (person_id,))
        follow_members(cursor, done.events)

    execute(
        store,
        handler,
        context=context,
        # After the decision, so that the address of a last owner stays.
        check=check,
        in_transaction=within,
    )


def _erase_own_views(store: Store, person_id: UUID, *, context: Context) -> None:
    """Delete the views that are for a person alone, and forget their texts."""
    with store.pool.connection() as connection:
        found = connection.execute(_VIEWS, {"person": person_id}).fetchall()
    command = c.DeleteView(by=person_id)
    for (view_id,) in found:
        history = plain_events(store.load(view_id)[view_id])
        view = view_of(history)
        if view is None or not view.is_private or view.owner_id != person_id:
            continue
        of = view.organization_id
        handler = partial(change_view, view_id, command, organization_id=of)
        execute(store, handler, context=context)
        forgetting = ForgettingCommand(store, view_id, organization_id=of)
        execute(
            store,
            forgetting.handler,
            context=context,
            in_transaction=forgetting.in_transaction,
        )


def _organizations(cursor: Cursor[TupleRow], person_id: UUID) -> set[UUID]:
    """Return the organizations that a person belongs to, or is invited to."""
    found = cursor.execute(_ORGANIZATIONS, {"person": person_id})
    members = {one for (one,) in found}
    return members | {of for of, _ in _invitations(cursor, person_id)}


def _invitations(cursor: Cursor[TupleRow], person_id: UUID) -> list[TupleRow]:
    """Return the organizations and ids of the open invitations to a person."""
    return cursor.execute(_INVITATIONS, {"person": person_id}).fetchall()


def _note_addresses(store: Store, person_id: UUID) -> None:
    """Keep the hashes of addresses that the log still has from before they were kept.

    The log of somebody whose key is destroyed has none that can be read.
    """
    digests = {
        store.names.email_digest(same_email(event.email))
        for event in plain_events(store.load(person_id)[person_id])
        if isinstance(event, e.PersonRegistered | e.EmailChanged)
    }
    with store.pool.connection() as connection:
        rows.note_former_emails(connection.cursor(), person_id, digests)
