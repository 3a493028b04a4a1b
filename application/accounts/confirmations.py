"""Confirmed addresses: a link by mail, which its person follows while signed in."""

from datetime import datetime
from secrets import token_urlsafe
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor

from application.accounts.rows import LINK_LIFETIME
from application.mail.letter import letter
from application.mail.outbox import can_send_mail, send_mail
from infra.eventstore.store import Store
from infra.keys.digests import digest_of

PATH = "/you/email"

# Somebody could write to strangers by changing their address again and again.
_MOST_IN_A_DAY = 10

_UNCONFIRMED: LiteralString = """
SELECT p.email, e.digest FROM people p JOIN person_emails e USING (person_id)
WHERE p.person_id = %s AND p.erased_at IS NULL AND NOT p.email_confirmed
"""
# A person has one link: a newer one ends the older.
_LINK: LiteralString = """
INSERT INTO email_links AS l (digest, person_id, email_digest, expires_at)
VALUES (%(digest)s, %(person)s, %(email)s, now() + %(lifetime)s)
ON CONFLICT (person_id) DO UPDATE SET
    digest = excluded.digest, email_digest = excluded.email_digest,
    expires_at = excluded.expires_at,
    mails = CASE WHEN l.counted_from < now() - interval '1 day' THEN 1
                 ELSE l.mails + 1 END,
    counted_from = CASE WHEN l.counted_from < now() - interval '1 day' THEN now()
                        ELSE l.counted_from END
WHERE l.mails < %(most)s OR l.counted_from < now() - interval '1 day'
RETURNING expires_at
"""
# The address may have changed since.
LINKED_EMAIL: LiteralString = """
SELECT p.person_id, p.email FROM email_links l
JOIN person_emails e ON e.person_id = l.person_id AND e.digest = l.email_digest
JOIN people p ON p.person_id = l.person_id AND p.erased_at IS NULL
WHERE l.digest = %s AND l.expires_at > now()
"""
_SPEND: LiteralString = """
DELETE FROM email_links l USING person_emails e
WHERE l.digest = %s AND l.person_id = %s AND l.expires_at > now()
AND e.person_id = l.person_id AND e.digest = l.email_digest
RETURNING 1
"""
_CONFIRM = """\
Somebody, probably you, uses this address for an account of Goatherd.

Confirm here that the address is yours, once, until {until:%H:%M} UTC:
{link}

You have to be signed in. If it was not you, do nothing.
"""
_MOVED = """\
The email address of your Goatherd account was changed: you sign in with the new one
from now on, and this one gets no more mails.

If it was not you, ask an admin of your organization for help.
"""


class EmailLinkOverError(Exception):
    """The link was used or replaced, its time is over, or the address changed."""


class LinkedEmail(Struct, frozen=True, kw_only=True):
    """The person of a link, and the address that it confirms."""

    person_id: UUID
    email: str


def mail_confirmation(cursor: Cursor[Any], store: Store, person_id: UUID) -> bool:
    """Let a person confirm their address by mail; tell whether a mail will be sent.

    Nobody is written to without a mail server, with a confirmed address, or after ten
    mails in a day.
    """
    if not can_send_mail(store):
        return False
    found = cursor.execute(_UNCONFIRMED, (person_id,)).fetchone()
    if found is None:
        return False
    email, email_digest = found
    token = token_urlsafe(32)
    made = cursor.execute(
        _LINK,
        {
            "digest": digest_of(token),
            "person": person_id,
            "email": email_digest,
            "lifetime": LINK_LIFETIME,
            "most": _MOST_IN_A_DAY,
        },
    ).fetchone()
    if made is None:
        return False
    until: datetime = made[0]
    link = f"{store.settings.own_url}{PATH}/{token}"
    mail = letter(
        email,
        "Confirm your address for Goatherd",
        _CONFIRM.format(until=until, link=link),
        action="Confirm the address",
    )
    return send_mail(cursor, store, mail, subject=person_id, kept_for=LINK_LIFETIME)


def tell_former_address(
    cursor: Cursor[Any], store: Store, person_id: UUID, email: str
) -> None:
    """Let the former address of a person know that it is theirs no more."""
    mail = letter(email, "Your Goatherd account has a new address", _MOVED)
    send_mail(cursor, store, mail, subject=person_id)


def spend_email_link(cursor: Cursor[Any], token: str, person_id: UUID) -> None:
    """Use a link of a person up.

    Raises:
        EmailLinkOverError: it is not valid any more.
    """
    if cursor.execute(_SPEND, (digest_of(token), person_id)).fetchone() is None:
        raise EmailLinkOverError
