"""The table of notifications: what is added, read, marked as read, and deleted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor

from domain.messages import Severity
from infra.database import Pool
from infra.ids import new_id
from infra.structs import structs
from projections.engine.reader import Reader

# News are deleted after this time, read or not.
KEPT_FOR: Final = timedelta(days=30)
# A notification names so many of its alerts.
MOST_ALERTS: Final = 20

_ADD: LiteralString = """
INSERT INTO notifications (organization_id, id, kind, severity, title, path, project_id,
    person_id, for_admins, rule_id, alert_ids)
VALUES (%(organization)s, %(id)s, %(kind)s, %(severity)s, %(title)s, %(path)s,
    %(project)s, %(person)s, %(admins)s, %(rule)s, %(alerts)s)
"""
# Everybody sees what is for them, and admins what is for admins.
_SEEN: LiteralString = """
n.organization_id = %(organization)s AND (n.person_id IS NULL
    OR n.person_id = %(person)s)
AND (%(is_admin)s OR NOT n.for_admins)
AND (%(projects)s::uuid[] IS NULL OR n.person_id IS NOT NULL
     OR n.project_id = ANY(%(projects)s))
"""
_IS_READ: LiteralString = """
EXISTS (SELECT FROM notification_reads r
        WHERE r.organization_id = n.organization_id AND r.reader = %(reader)s
        AND r.notification_id = n.id)
"""
_PAGE: LiteralString = f"""
SELECT n.id, n.kind, n.severity, n.title, n.path, n.at, {_IS_READ}, n.project_id,
       n.alert_ids
FROM notifications n
WHERE {_SEEN} AND (%(value)s::timestamptz IS NULL
    OR (n.at, n.id) < (%(value)s, %(last_id)s))
ORDER BY n.at DESC, n.id DESC LIMIT %(limit)s
"""  # noqa: S608 - constants
_UNREAD: LiteralString = f"""
SELECT count(*) FROM notifications n WHERE {_SEEN} AND NOT {_IS_READ}
"""  # noqa: S608 - constants
_MARK: LiteralString = f"""
INSERT INTO notification_reads (organization_id, reader, notification_id)
SELECT n.organization_id, %(reader)s, n.id FROM notifications n
WHERE {_SEEN} AND (%(ids)s::uuid[] IS NULL OR n.id = ANY(%(ids)s))
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_PRUNE: LiteralString = """
WITH gone AS (
    DELETE FROM notifications WHERE at < now() - %s RETURNING organization_id, id
)
DELETE FROM notification_reads r USING gone
WHERE r.organization_id = gone.organization_id AND r.notification_id = gone.id
"""


class NewsReader(Struct, frozen=True, kw_only=True):
    """The person or key that reads: ``name`` is that of its deeds in the log."""

    organization_id: UUID
    name: str
    person_id: UUID | None
    is_admin: bool
    project_ids: frozenset[UUID] | None

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "organization": self.organization_id,
            "reader": self.name,
            "person": self.person_id,
            "is_admin": self.is_admin,
            "projects": None if self.project_ids is None else [*self.project_ids],
        }


class Notification(Struct, frozen=True, kw_only=True):
    """News for the person or key that asks.

    ``kind`` says what it is about, such as `alert`. ``path`` is the address of the page
    that shows more, null if there is none. ``alert_ids`` are the alerts that it tells
    of, at most 20.
    """

    id: UUID
    kind: str
    severity: Severity
    title: str
    path: str | None
    at: datetime
    is_read: bool
    project_id: UUID | None
    alert_ids: list[UUID]


def notify(
    cursor: Cursor[Any],
    organization_id: UUID,
    *,
    kind: str,
    title: str,
    severity: Severity = "info",
    path: str | None = None,
    project_id: UUID | None = None,
    person_id: UUID | None = None,
    for_admins: bool = False,
    rule_id: UUID | None = None,
    alert_ids: Sequence[UUID] = (),
) -> UUID:
    """Add news to the bell, in the transaction of ``cursor``; return their id.

    They are for one person, for admins, or for everybody who may see the project. The
    title names no creator, because an erasure would not find it there.
    """
    news_id = new_id()
    cursor.execute(
        _ADD,
        {
            "organization": organization_id,
            "id": news_id,
            "kind": kind,
            "severity": severity,
            "title": title,
            "path": path,
            "project": project_id,
            "person": person_id,
            "admins": for_admins,
            "rule": rule_id,
            "alerts": list(alert_ids[:MOST_ALERTS]),
        },
    )
    return news_id


async def page_of_news(
    reader: Reader,
    of: NewsReader,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Notification]:
    """Return up to ``limit`` news after the given one, newest first."""
    rows = await reader.page(
        of.organization_id,
        _PAGE.encode(),
        limit=limit,
        after=after,
        **of.parameters,
    )
    return structs(Notification, rows)


async def unread_count(reader: Reader, of: NewsReader) -> int:
    """Return the number of news that were not read yet."""
    rows = await reader.rows(of.organization_id, _UNREAD.encode(), of.parameters)
    return rows[0][0]


def mark_read(cursor: Cursor[Any], of: NewsReader, ids: Sequence[UUID] | None) -> int:
    """Mark news as read, all of them for None; return how many are left unread."""
    chosen = {**of.parameters, "ids": None if ids is None else list(ids)}
    cursor.execute(_MARK, chosen)
    row = cursor.execute(_UNREAD, of.parameters).fetchone()
    assert row is not None
    return row[0]


def prune(pool: Pool) -> int:
    """Delete old news; return the number of marks that went with them."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE, (KEPT_FOR,)).rowcount
