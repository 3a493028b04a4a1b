"""Takes the address of a person out of channels and reports that have it."""

from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.rows import OWN_DIGESTS
from application.channels.follow import following
from application.erase.texts import ForgettingCommand
from application.mail.recipients import end_mails_of
from domain import commands as c
from domain.channel.handlers import change_channel
from domain.email import same_email
from domain.errors import NotFoundError
from domain.organization.handlers.texts import ForgottenTexts, addresses_of_report
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store, plain_events
from infra.keys.sealed_addresses import CHANNEL_ADDRESSES

IsTheirs = Callable[[str], bool]

# Also those that the person left.
_ORGANIZATIONS: LiteralString = f"""
SELECT organization_id FROM members WHERE person_id = %(person)s
UNION
SELECT organization_id FROM invitation_links WHERE email_digest IN ({OWN_DIGESTS})
"""  # noqa: S608 - constants only
_CHANNELS: LiteralString = """
SELECT channel_id FROM channel_states WHERE organization_id = %s ORDER BY channel_id
"""
# The table may be behind the log.
_REPORTS: LiteralString = """
SELECT id FROM reports WHERE organization_id = %(organization)s
UNION
SELECT originator_id FROM goatherd_events
WHERE topic = 'report_made'
AND notification_id > (
    SELECT coalesce(max(position), 0) FROM projection WHERE name = 'reports')
AND convert_from(state, 'UTF8')::jsonb ->> 'organization_id' = %(organization)s::text
"""


class _OfSomebodyElseError(Exception):
    """The channel got another address meanwhile."""


def knows_address(cursor: Cursor[TupleRow], store: Store, person_id: UUID) -> IsTheirs:
    """Return the function that tells whether an address is the person's."""
    digests = {one for (one,) in cursor.execute(OWN_DIGESTS, {"person": person_id})}

    def is_theirs(address: str) -> bool:
        return store.names.email_digest(same_email(address)) in digests

    return is_theirs


def take_out_address(store: Store, person_id: UUID, *, context: Context) -> None:
    """Take a person's addresses out of the channels and reports of their organizations.

    Former addresses count as the present one does. An email channel to the address is
    removed, and so are the messages that wait for it. A report goes on with its other
    recipients; its waiting mails to the address are deleted, and its earlier texts are
    forgotten, which had the address. Each is a transaction, and nothing happens a
    second time.

    Raises:
        BusyError: a backup reads the tables of a report.
    """
    of = {"person": person_id}
    with store.pool.connection() as connection:
        is_theirs = knows_address(connection.cursor(), store, person_id)
        found = connection.execute(_ORGANIZATIONS, of)
        organizations = sorted(one for (one,) in found)
    for organization_id in organizations:
        _remove_channels(store, organization_id, is_theirs, context)
        _take_out_of_reports(store, organization_id, is_theirs, context)


def _remove_channels(
    store: Store, organization_id: UUID, is_theirs: IsTheirs, context: Context
) -> None:
    with store.pool.connection() as connection:
        rows = connection.execute(_CHANNELS, (organization_id,)).fetchall()
        if not rows:
            return
        master_key = store.keyring.master_key(connection)
        cursor = connection.cursor()
        addresses = {
            channel_id: CHANNEL_ADDRESSES.get(cursor, master_key, channel_id)
            for (channel_id,) in rows
        }
    follow = following(store)

    def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        address = CHANNEL_ADDRESSES.get(cursor, master_key, done.result)
        if address is None or not is_theirs(address):
            raise _OfSomebodyElseError
        follow(cursor, done)

    for channel_id, address in addresses.items():
        if address is None or not is_theirs(address):
            continue
        try:
            _remove(store, channel_id, organization_id, within, context)
        except (NotFoundError, _OfSomebodyElseError):
            # Somebody removed or changed it at this moment.
            continue


def _remove(
    store: Store,
    channel_id: UUID,
    organization_id: UUID,
    within: Callable[[Cursor[TupleRow], Executed[UUID]], None],
    context: Context,
) -> None:
    execute(
        store,
        lambda: change_channel(
            channel_id, c.RemoveChannel(), organization_id=organization_id
        ),
        context=context,
        in_transaction=within,
    )


def _take_out_of_reports(
    store: Store, organization_id: UUID, is_theirs: IsTheirs, context: Context
) -> None:
    with store.pool.connection() as connection:
        found = connection.execute(_REPORTS, {"organization": organization_id})
        report_ids = sorted(one for (one,) in found)
    for report_id in report_ids:
        history = plain_events(store.load(report_id)[report_id])
        for address in {*map(same_email, addresses_of_report(history))}:
            if is_theirs(address):
                _take_out(store, report_id, organization_id, address, context)


def _take_out(
    store: Store,
    report_id: UUID,
    organization_id: UUID,
    address: str,
    context: Context,
) -> None:
    command = ForgettingCommand(
        store, report_id, organization_id=organization_id, recipient=address
    )

    def within(cursor: Cursor[TupleRow], done: Executed[ForgottenTexts]) -> None:
        end_mails_of(cursor, store, done, report_id)
        command.in_transaction(cursor, done)

    execute(store, command.handler, context=context, in_transaction=within)
