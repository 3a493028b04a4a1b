"""shares: one row for each shared link, which a revoked one keeps without texts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.periods import NamedPeriod
from domain.messages import copied
from domain.share.decider import DETAILS, texts_of
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.reader import Reader
from projections.engine.thing_table import ThingRow, ThingTable


class ShareRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """A shared link; a revoked one keeps no text."""

    project_id: UUID
    scope: e.ShareScope
    scope_id: UUID
    name: str
    first_day: date | None
    last_day: date | None
    rolling: NamedPeriod | None
    hide: Sequence[str]
    has_password: bool
    expires_at: datetime | None
    as_of: str | None
    as_of_at: datetime | None
    embed: bool
    origins: Sequence[str]
    revoked_at: datetime | None = None


LINKS = ThingTable(
    ShareRow,
    table="shares",
    made=e.ShareMade,
    changed=e.ShareChanged,
    ended=e.ShareRevoked,
    details=DETAILS,
    blank={"name": "", "origins": ()},
    texts=(e.EarlierTextsForgotten, texts_of),
    ends_at="revoked_at",
)


class Shares:
    """Keeps the table shares."""

    name = "shares"
    version = 1
    tables = ("shares",)
    events = LINKS.on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their links' rows, and save each changed row once."""
        LINKS.write(cursor, events)


# As clients read it


class Share(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A link to a read-only page about the thing ``scope_id``.

    The page shows the days from ``from`` to ``to``, or those of the period ``rolling``;
    without ``to`` up to the present. A report has neither: the page shows its newest
    issue. ``hide`` names what it leaves out. With ``as_of``
    it stands still at that time or position of the log, which is ``as_of_at``.
    ``origins`` are the sites that may show it in a frame if ``embed`` is true.
    ``opened_count`` counts how often somebody opened the page.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    scope: e.ShareScope
    scope_id: UUID
    name: str
    from_: date | None
    to: date | None
    rolling: NamedPeriod | None
    hide: list[e.HiddenPart]
    has_password: bool
    expires_at: datetime | None
    as_of: str | None
    as_of_at: datetime | None
    embed: bool
    origins: list[str]
    status: Literal["active", "expired", "revoked"]
    opened_count: int
    last_opened_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    revoked_at: datetime | None


_COLUMNS: LiteralString = """
s.id, s.organization_id AS org_id, s.project_id, scope, scope_id, name,
first_day AS from_, last_day AS "to", rolling, hide, has_password, expires_at, as_of,
as_of_at, embed, origins,
CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
     WHEN expires_at <= now() THEN 'expired' ELSE 'active' END AS status,
coalesce(l.opened_count, 0) AS opened_count, l.last_opened_at, version, created_at,
updated_at, revoked_at
"""
SHARES: LiteralString = f"""
SELECT {_COLUMNS} FROM shares s
LEFT JOIN share_links l
    ON l.organization_id = s.organization_id AND l.share_id = s.id
"""
"""The beginning of a query whose rows are of ``Share``."""

_THERE = f"{SHARES} WHERE s.organization_id = %(organization)s"
_ONE = f"{_THERE} AND s.id = %(id)s".encode()
_PAGE = f"""
{_THERE} AND revoked_at IS NULL
AND (%(scope_id)s::uuid IS NULL OR scope_id = %(scope_id)s)
AND (%(value)s::timestamptz IS NULL OR (created_at, s.id) < (%(value)s, %(last_id)s))
ORDER BY created_at DESC, s.id DESC LIMIT %(limit)s
""".encode()


async def one_share(
    reader: Reader, organization_id: UUID, share_id: UUID
) -> Share | None:
    """Return one link of an organization, also a revoked one; None without it."""
    params = {"organization": organization_id, "id": share_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return next(iter(structs(Share, rows)), None)


async def page_of_shares(
    reader: Reader,
    organization_id: UUID,
    *,
    scope_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Share]:
    """Return up to ``limit`` links that were not revoked, newest first."""
    rows = await reader.page(
        organization_id, _PAGE, limit=limit, after=after, scope_id=scope_id
    )
    return structs(Share, rows)


def share_from_row(
    row: ShareRow, *, now: datetime, opened: tuple[int, datetime | None] = (0, None)
) -> Share:
    """Return a row as clients read it; ``opened`` is how often, and when last."""
    status: Literal["active", "expired", "revoked"] = "active"
    if row.revoked_at is not None:
        status = "revoked"
    elif row.expires_at is not None and row.expires_at <= now:
        status = "expired"
    return copied(
        row,
        Share,
        org_id=row.organization_id,
        from_=row.first_day,
        to=row.last_day,
        hide=[*row.hide],
        origins=[*row.origins],
        status=status,
        opened_count=opened[0],
        last_opened_at=opened[1],
    )
