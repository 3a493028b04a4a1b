"""Devices: the browsers of a person, and the news of a sign-in in a new one."""

from datetime import datetime
from typing import LiteralString

from msgspec import Struct

from application.mail.letter import letter
from application.mail.outbox import send_mail
from application.notifications.news import notify
from infra.eventstore.store import Store
from infra.keys.digests import digest_of

# A browser forgets its cookie before.
_TIDY: LiteralString = """
DELETE FROM person_devices
WHERE person_id = %s AND last_at < now() - interval '400 days'
"""
# A sign-in at the same time waits here, so that one of the two is the first.
_SESSION: LiteralString = """
SELECT s.person_id, s.address, s.browser, p.email
FROM person_sessions s JOIN people p USING (person_id)
WHERE s.digest = %s AND p.erased_at IS NULL FOR UPDATE OF p
"""
_NOTE: LiteralString = """
INSERT INTO person_devices (person_id, digest, address, browser, is_new)
SELECT %(person)s, %(digest)s, %(address)s, %(browser)s,
       EXISTS (SELECT FROM person_devices WHERE person_id = %(person)s)
ON CONFLICT (person_id, digest) DO UPDATE SET last_at = now()
RETURNING is_new AND first_at = last_at, first_at
"""
NEW_DEVICES: LiteralString = """
SELECT first_at, address, browser FROM person_devices
WHERE person_id = %s AND is_new ORDER BY first_at DESC LIMIT 20
"""
DISMISS: LiteralString = """
UPDATE person_devices SET is_new = false WHERE person_id = %s AND is_new
"""
# The bell is one of each organization.
_ORGANIZATIONS: LiteralString = """
SELECT organization_id FROM members WHERE person_id = %s AND removed_at IS NULL
"""
_TEXT = """\
Somebody signed in to your Goatherd account in a browser that was not used before:
{browser}, from {address}, {at:%Y-%m-%d %H:%M} UTC.

If it was you, do nothing. If it was not, choose another password, which signs all other
browsers out:
{link}
"""


class NewDevice(Struct, frozen=True, kw_only=True):
    """A browser in which a person signed in for the first time."""

    first_at: datetime
    address: str
    browser: str


def note_device(store: Store, session_token: str, device: str) -> None:
    """Note the browser of a session that just began, and tell its person if it is new.

    The news go by mail, and to the bell of each of their organizations. ``device`` is
    the text of the browser's cookie. The first browser is no news.
    """
    # The key is opened before the transaction, which would need a second connection.
    store.keyring.master_key()
    with store.pool.connection() as connection, connection.transaction():
        cursor = connection.cursor()
        session = cursor.execute(_SESSION, (digest_of(session_token),)).fetchone()
        if session is None:
            return
        person_id, address, browser, email = session
        cursor.execute(_TIDY, (person_id,))
        noted = cursor.execute(
            _NOTE,
            {
                "person": person_id,
                "digest": digest_of(device),
                "address": address,
                "browser": browser,
            },
        ).fetchone()
        if noted is None or not noted[0]:
            return
        organizations = cursor.execute(_ORGANIZATIONS, (person_id,)).fetchall()
        for (organization_id,) in organizations:
            # The address is on the page, and goes with the device.
            notify(
                cursor,
                organization_id,
                kind="new_sign_in",
                severity="warning",
                title=f"You signed in with a new browser: {browser}",
                path="/you",
                person_id=person_id,
            )
        mail = letter(
            email,
            "A new sign-in to Goatherd",
            _TEXT.format(
                browser=browser,
                address=address or "an unknown address",
                at=noted[1],
                link=f"{store.settings.own_url}/you",
            ),
            action="Open your account",
        )
        send_mail(cursor, store, mail, subject=person_id)
