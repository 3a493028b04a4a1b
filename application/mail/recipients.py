"""Recipients of reports: the keyed hash of an address, and its waiting mails."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.mail.unsubscribing import ID_BYTES
from domain.email import same_email
from domain.report.decider import report_of
from domain.streams import Names
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import Store, plain_events

END_MAILS: LiteralString = "DELETE FROM mails WHERE subject = %s"
# The hash of an address that was taken out does not stay.
_END_LINKS: LiteralString = """
UPDATE issue_links SET recipient = NULL WHERE recipient = %s
"""


def digest_of_recipient(names: Names, report_id: UUID, address: str) -> bytes:
    """Return the keyed hash that stands for an address in links of a report."""
    return names.recipient_digest(report_id, same_email(address))


def mails_subject(names: Names, report_id: UUID, address: str) -> UUID:
    """Return the subject of the waiting mails of a report to an address."""
    return UUID(bytes=digest_of_recipient(names, report_id, address)[-ID_BYTES:])


def ending_mails(store: Store) -> InTransaction[UUID]:
    """Return the hook that deletes the waiting mails to those who get none any more.

    They were taken out of the report, or the report was removed.
    """

    def follow(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        end_mails_of(cursor, store, done, done.result)

    return follow


def end_mails_of(
    cursor: Cursor[TupleRow], store: Store, done: Executed[Any], report_id: UUID
) -> None:
    """End the mails and links of a report for those whom a command took out of it."""
    before = report_of(plain_events(done.loaded.get(report_id, ())))
    after = report_of(plain_events(done.history(report_id)))
    if before is None or after is None:
        return
    kept = () if after.is_removed else map(same_email, after.recipients)
    addresses = (*before.recipients, *before.unsubscribed)
    gone = {*map(same_email, addresses)} - {*kept}
    if not after.is_removed:
        gone -= {*map(same_email, after.unsubscribed)}
    for address in gone:
        of = (mails_subject(store.names, report_id, address),)
        cursor.execute(END_MAILS, of)
        cursor.execute(_END_LINKS, of)
