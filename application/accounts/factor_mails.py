"""Mails about the second factor: its person learns of each change, whoever made it."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from psycopg import Cursor

from application.accounts.rows import email_of
from application.mail.letter import letter
from application.mail.outbox import send_mail
from domain import events as e
from infra.eventstore.store import RecordedEvent, Store

# Recovery codes come and go with the codes of the app, and a passkey is both factors.
_CHANGES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("codes", "added"): (
        "Your second factor was turned on",
        "Signing in to your Goatherd account needs a code of an authenticator app",
    ),
    ("codes", "removed"): (
        "Your second factor was turned off",
        "Signing in to your Goatherd account needs no code of an authenticator app",
    ),
    ("passkey", "added"): (
        "A passkey was added",
        "A passkey was added to your Goatherd account, which signs in with it alone",
    ),
    ("passkey", "removed"): (
        "A passkey was removed",
        "A passkey was removed from your Goatherd account",
    ),
}
_TEXT: LiteralString = """\
{what}, since {at:%Y-%m-%d %H:%M} UTC.

If it was you, do nothing. If it was not, choose another password, which signs all other
browsers out, and ask an admin of your organization for help:
{link}
"""


def mail_changed_factors(
    cursor: Cursor[Any], store: Store, events: Sequence[RecordedEvent]
) -> None:
    """Let people be written to after this transaction if a second factor changed.

    Several changes of one kind, such as passkeys that go together, are one mail.
    """
    newest = {
        (recorded.stream, event.method, event.change): recorded.recorded_at
        for recorded in events
        if isinstance(event := recorded.event, e.SignInMethodChanged)
    }
    for (person_id, *change), at in newest.items():
        method, kind = change
        texts = _CHANGES.get((method, kind))
        email = None if texts is None else email_of(cursor, person_id)
        if texts is None or email is None:
            continue
        link = f"{store.settings.own_url}/you"
        subject, what = texts
        mail = letter(
            email,
            subject,
            _TEXT.format(what=what, at=at, link=link),
            action="Open your account",
        )
        send_mail(cursor, store, mail, subject=person_id)
