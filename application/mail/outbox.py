"""The table of mails that wait, each encrypted until the mail server has taken it."""

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor

from application.mail.server import Mail, MailServer
from infra.database import Pool
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.master_key import MasterKey
from infra.keys.waiting_mails import mail_name

# A mail is given up after this time, unless its sender chose another.
KEPT_FOR = timedelta(days=1)

# Longer than a server may take for a mail.
_LEASE = timedelta(minutes=5)

_ADD: LiteralString = """
INSERT INTO mails (id, subject, creators_of, sealed, until)
VALUES (%(id)s, %(subject)s, %(creators_of)s, %(sealed)s, now() + %(kept_for)s)
"""
_CLAIM: LiteralString = """
UPDATE mails SET send_at = now() + %s, tries = tries + 1
WHERE id = (SELECT id FROM mails WHERE send_at <= now() AND until > now()
            ORDER BY send_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, sealed, tries
"""
_LATER: LiteralString = """
UPDATE mails SET send_at = now() + make_interval(secs => %s) WHERE id = %s
"""
_NEXT: LiteralString = """
SELECT extract(epoch FROM min(send_at) - now())::float8 FROM mails WHERE until > now()
"""
# New mails notify this channel.
NOTICES: LiteralString = "goatherd_mails"
_DONE: LiteralString = "DELETE FROM mails WHERE id = %s"
_PRUNE: LiteralString = "DELETE FROM mails WHERE until <= now()"


class DueMail(Struct, frozen=True, kw_only=True):
    """A mail that one sender may deliver now; ``tries`` counts this try."""

    id: UUID
    sealed: bytes
    tries: int

    def opened(self, master_key: MasterKey) -> Mail:
        """Return the mail.

        Raises:
            MasterKeyError: another key encrypted it.
        """
        opened = master_key.unwrap(mail_name(self.id), self.sealed)
        return msgspec.json.decode(opened, type=Mail)


def can_send_mail(store: Store) -> bool:
    """Tell whether the settings name a mail server."""
    return MailServer.of(store.settings) is not None


def send_mail(
    cursor: Cursor[Any],
    store: Store,
    mail: Mail,
    *,
    subject: UUID | None = None,
    creators_of: UUID | None = None,
    kept_for: timedelta = KEPT_FOR,
) -> bool:
    """Let a mail be sent after the transaction of ``cursor``; tell whether it will be.

    Without a mail server nothing happens. The mail is sent at least once: it is sent
    again if a process dies after the server took it. It is given up after ``kept_for``.
    ``subject`` is the person or the invitation with whose end it is deleted.
    ``creators_of`` is the organization whose creators the mail names, if it does.
    """
    if not can_send_mail(store):
        return False
    mail_id = new_id()
    master_key = store.keyring.master_key(cursor.connection)
    sealed = master_key.wrap(mail_name(mail_id), msgspec.json.encode(mail))
    cursor.execute(
        _ADD,
        {
            "id": mail_id,
            "subject": subject,
            "creators_of": creators_of,
            "sealed": sealed,
            "kept_for": kept_for,
        },
    )
    return True


def claim_mail(pool: Pool) -> DueMail | None:
    """Return the mail that is due first, for one sender alone; None if none is due."""
    with pool.connection() as connection:
        row = connection.execute(_CLAIM, (_LEASE,)).fetchone()
    return None if row is None else DueMail(id=row[0], sealed=row[1], tries=row[2])


def next_mail_due(pool: Pool) -> float | None:
    """Return the seconds until a mail may be sent, None if none waits."""
    with pool.connection() as connection:
        row = connection.execute(_NEXT).fetchone()
    return None if row is None else row[0]


def put_off(pool: Pool, mail_id: UUID, *, seconds: float) -> None:
    """Let a mail be tried again later."""
    with pool.connection() as connection:
        connection.execute(_LATER, (seconds, mail_id))


def finish_mail(pool: Pool, mail_id: UUID) -> None:
    """Delete a mail that was taken or refused."""
    with pool.connection() as connection:
        connection.execute(_DONE, (mail_id,))


def prune(pool: Pool) -> int:
    """Delete the mails whose time is over; return their number."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE).rowcount
