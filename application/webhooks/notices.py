"""Notices to owners and admins about an endpoint that fails or was disabled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, LiteralString
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.mail.letter import letter
from application.mail.outbox import send_mail
from application.notifications.news import notify
from domain.webhook.events import WebhookOff
from infra.eventstore.store import Store
from infra.structs import structs

_KEPT_FOR: Final = timedelta(days=3)
_ENDPOINT: LiteralString = """
SELECT w.organization_id, o.name, w.url FROM webhooks w
JOIN organizations o ON o.organization_id = w.organization_id
WHERE w.id = %s AND w.removed_at IS NULL
"""
_ADMINS: LiteralString = """
SELECT person_id, email FROM members
WHERE organization_id = %s AND removed_at IS NULL AND email IS NOT NULL
AND role IN ('owner', 'admin')
"""
_OFF: Mapping[WebhookOff, str] = {
    "gone": "It answered 410, which says that it is gone.",
    "failing": "The last 20 deliveries failed, one after the other.",
    "by_hand": "Somebody disabled it.",
}


class _Endpoint(Struct, frozen=True, kw_only=True):
    organization_id: UUID
    organization: str
    url: str


def tell_admins(
    cursor: Cursor[TupleRow],
    store: Store,
    webhook_id: UUID,
    *,
    failures: int | None = None,
    off: WebhookOff | None = None,
) -> None:
    """Tell owners and admins, at the bell and by mail if there is a mail server.

    ``failures`` is the number of failures in a row, ``off`` the reason why the endpoint
    was disabled.
    """
    found = cursor.execute(_ENDPOINT, (webhook_id,)).fetchall()
    for endpoint in structs(_Endpoint, found):
        title, text = _words(endpoint, failures=failures, off=off)
        notify(
            cursor,
            endpoint.organization_id,
            kind="webhook",
            title=title,
            severity="warning" if off is None else "critical",
            path=f"/settings/webhooks/{webhook_id}",
            for_admins=True,
        )
        admins = cursor.execute(_ADMINS, (endpoint.organization_id,)).fetchall()
        for person_id, email in admins:
            mail = letter(email, title, text)
            send_mail(cursor, store, mail, subject=person_id, kept_for=_KEPT_FOR)


def _words(
    endpoint: _Endpoint, *, failures: int | None, off: WebhookOff | None
) -> tuple[str, str]:
    """Return a title, which has the host alone, and the text of a mail."""
    host = urlsplit(endpoint.url).netloc
    of = f"The webhook of {endpoint.organization} to {endpoint.url}"
    if off is None:
        return (
            f"The webhook to {host} failed {failures} times in a row",
            (
                f"{of} failed {failures} times in a row.\n\nIt is tried again, later "
                "each time. After 20 failures it is disabled.\n"
            ),
        )
    return (
        f"The webhook to {host} was disabled",
        (
            f"{of} was disabled. {_OFF[off]}\n\nEnable it in the settings once it "
            "works: it then gets the events of up to 30 days that it missed.\n"
        ),
    )
