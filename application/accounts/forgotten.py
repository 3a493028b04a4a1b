"""Forgotten passwords: a link by mail, with which a person chooses another one."""

from datetime import timedelta
from typing import LiteralString

from application.accounts import rows
from application.mail.letter import letter
from application.mail.outbox import send_mail
from domain.email import same_email
from infra.eventstore.store import Store

# Somebody who asks again meanwhile has the first link.
_PAUSE = timedelta(minutes=2)

# The row of the directory is locked, so that of two requests one makes a link. Somebody
# who only signs in by a provider would stay in without it.
_NOW: LiteralString = """
SELECT p.person_id, p.email FROM person_emails e JOIN people p USING (person_id)
WHERE e.digest = %(digest)s AND p.erased_at IS NULL AND NOT EXISTS (
    SELECT FROM password_links l WHERE l.person_id = e.person_id AND l.by_mail
    AND l.expires_at > now() + %(recent)s)
AND (NOT EXISTS (SELECT FROM person_identities i WHERE i.person_id = e.person_id)
     OR EXISTS (SELECT FROM person_secrets s
                WHERE s.person_id = e.person_id AND s.kind = 'password'))
FOR UPDATE OF e
"""
_TEXT = """\
Somebody, probably you, asked for a new password for Goatherd.

Choose it here, once, until {until:%H:%M} UTC:
{link}

All browsers in which you are signed in are signed out then. If it was not you, do
nothing: your password stays as it is.
"""


def mail_password_link(store: Store, email: str) -> bool:
    """Send a person a link that sets a password; tell whether somebody gets a mail.

    Nobody gets one for an address that nobody has, within two minutes of one, or
    without a password if an OpenID provider signs them in.
    The address of the mail is that of the account, as the person wrote it.
    """
    digest = store.names.email_digest(same_email(email))
    # The key is opened before the transaction, which would need a second connection.
    store.keyring.master_key()
    with store.pool.connection() as connection, connection.transaction():
        cursor = connection.cursor()
        recent = rows.LINK_LIFETIME - _PAUSE
        found = cursor.execute(_NOW, {"digest": digest, "recent": recent}).fetchone()
        if found is None:
            return False
        person_id, address = found
        token, until = rows.make_password_link(cursor, person_id, by_mail=True)
        link = f"{store.settings.own_url}/password/{token}"
        mail = letter(
            address,
            "Choose a new password for Goatherd",
            _TEXT.format(until=until, link=link),
            action="Choose a password",
        )
        return send_mail(
            cursor, store, mail, subject=person_id, kept_for=rows.LINK_LIFETIME
        )
