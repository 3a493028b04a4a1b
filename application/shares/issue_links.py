"""Table issue_links: the links by which recipients of mails open an issue."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor

from infra.database import Pool
from infra.keys.digests import digest_of

KEPT_FOR: Final = timedelta(days=90)
_BYTES: Final = 32
_ADD: LiteralString = """
INSERT INTO issue_links
    (digest, organization_id, project_id, report_id, number, recipient, until)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
# For another while an ended link says that it ended.
_PRUNE: LiteralString = "DELETE FROM issue_links WHERE until < now() - %s"


class IssueLink(Struct, frozen=True, kw_only=True):
    """A new link to an issue; ``recipient`` stands for the address.

    ``project_id`` is the project of the report, None for the whole organization.
    """

    token: str
    organization_id: UUID
    project_id: UUID | None
    report_id: UUID
    number: int
    recipient: UUID
    until: datetime

    def __repr__(self) -> str:
        return f"IssueLink({self.report_id}, {self.number})"


def draw_token() -> str:
    """Return the token of a new link."""
    return secrets.token_hex(_BYTES)


def add_issue_link(cursor: Cursor[Any], link: IssueLink) -> None:
    """Store a link, and the digest alone of its token."""
    row = (
        *(digest_of(link.token), link.organization_id, link.project_id),
        *(link.report_id, link.number, link.recipient, link.until),
    )
    cursor.execute(_ADD, row)


def prune(pool: Pool) -> int:
    """Delete the links that ended long ago; return their number."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE, (KEPT_FOR,)).rowcount
