"""Recipients of reports: the link by which each of them gets no more mails.

A link has the id of the report and a keyed hash of the address, which so stays in the
log alone. A creator, who gets other mails, has such a link as well.
"""

from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.channels.recipients import (
    CreatorRecipient,
    creator_behind,
    opt_out,
)
from application.mail.recipients import (
    END_MAILS,
    digest_of_recipient,
    mails_subject,
)
from application.mail.unsubscribing import (
    HASH_BYTES,
    parts_of_link,
    unsubscribe_link,
)
from domain import commands as c
from domain.report.decider import ReportState, report_of
from domain.report.handlers import change_report
from domain.streams import Names
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id

ACTOR: Final = "recipient"


class Recipient(Struct, frozen=True, kw_only=True):
    """The recipient behind a link; ``is_subscribed`` until they unsubscribe."""

    report_id: UUID
    report: ReportState
    address: str
    is_subscribed: bool

    def __repr__(self) -> str:
        return f"Recipient({self.report_id})"


class Recipients:
    """The recipients of an installation, for the page that they open."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def found(self, token: str) -> Recipient | CreatorRecipient | None:
        """Return the recipient behind a link, also one who has unsubscribed.

        None if there is none, or if the address was taken out of the report.
        """
        creator = creator_behind(self._store, token)
        return creator or _recipient_of(self._store, token)

    def unsubscribe(self, recipient: Recipient | CreatorRecipient) -> None:
        """Let a recipient get no more mails; waiting ones are not sent any more."""
        if isinstance(recipient, CreatorRecipient):
            opt_out(self._store, recipient)
        else:
            _unsubscribe(self._store, recipient)


def unsubscribe_url(store: Store, report_id: UUID, address: str) -> str:
    """Return the address of the page on which a recipient unsubscribes."""
    return unsubscribe_link(
        store, report_id, digest_of_recipient(store.names, report_id, address)
    )


def _recipient_of(store: Store, token: str) -> Recipient | None:
    report_id, hashed = parts_of_link(token)
    report = report_of(plain_events(store.load(report_id)[report_id]))
    if report is None:
        return None
    found: Recipient | None = None
    for addresses in (report.unsubscribed, report.recipients):
        for address in addresses:
            # Every address is compared, so that the time tells nothing.
            if compare_digest(_hash(store.names, report_id, address), hashed):
                found = Recipient(
                    report_id=report_id,
                    report=report,
                    address=address,
                    is_subscribed=addresses is report.recipients,
                )
    return found


def _unsubscribe(store: Store, recipient: Recipient) -> None:
    def in_transaction(cursor: Cursor[TupleRow], _: Executed[UUID]) -> None:
        _end_mails(cursor, store, recipient)

    command = c.UnsubscribeRecipient(address=recipient.address)
    execute(
        store,
        lambda: change_report(
            recipient.report_id,
            command,
            organization_id=recipient.report.organization_id,
        ),
        context=Context(actor=ACTOR, command_id=new_id()),
        in_transaction=in_transaction,
    )


def _end_mails(cursor: Cursor[Any], store: Store, recipient: Recipient) -> None:
    of = mails_subject(store.names, recipient.report_id, recipient.address)
    cursor.execute(END_MAILS, (of,))


def _hash(names: Names, report_id: UUID, address: str) -> bytes:
    return digest_of_recipient(names, report_id, address)[:HASH_BYTES]
