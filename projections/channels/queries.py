"""Channels as clients read them."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from projections.engine.reader import Reader, newest_first


class Channel(Struct, frozen=True, kw_only=True):
    """A service to which the organization sends messages about alerts.

    ``url`` or ``address`` is shown in short, because the whole one is a secret; a
    channel for mails to creators has none. With ``project_id`` the channel gets
    messages about that project only. ``waiting`` is the number of messages that were
    not taken yet, and ``failures`` counts the present ones in a row, of which
    ``last_error`` is the last.
    """

    id: UUID
    org_id: UUID
    kind: e.ChannelKind
    name: str
    url: str | None
    address: str | None
    project_id: UUID | None
    enabled: bool
    waiting: int
    failures: int
    last_sent_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


_CHANNELS: LiteralString = """
SELECT c.id, c.organization_id, c.kind, c.name,
       CASE WHEN c.kind NOT IN ('email', 'creator_email') THEN c.shown END,
       CASE WHEN c.kind = 'email' THEN c.shown END,
       c.project_id, c.enabled,
       (SELECT count(*) FROM channel_messages m
        WHERE m.organization_id = c.organization_id AND m.channel_id = c.id),
       coalesce(s.failures, 0), s.last_sent_at, s.last_error, s.last_error_at,
       c.version, c.created_at, c.updated_at
FROM channels c
LEFT JOIN channel_states s
    ON s.organization_id = c.organization_id AND s.channel_id = c.id
WHERE c.organization_id = %(organization)s AND c.removed_at IS NULL
"""
_PAGE = (_CHANNELS + newest_first("c.created_at", "c.id")).encode()
_ONE: LiteralString = f"{_CHANNELS} AND c.id = %(id)s"


async def page_of_channels(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Channel]:
    """Return up to ``limit`` channels after the given one, newest first."""
    rows = await reader.page(organization_id, _PAGE, limit=limit, after=after)
    return [_channel(row) for row in rows]


async def one_channel(
    reader: Reader, organization_id: UUID, channel_id: UUID
) -> Channel | None:
    """Return a channel of the organization, None if there is none with the id."""
    params = {"organization": organization_id, "id": channel_id}
    rows = await reader.rows(organization_id, _ONE.encode(), params)
    return next(map(_channel, rows), None)


def channel_within(
    cursor: Cursor[TupleRow], organization_id: UUID, channel_id: UUID
) -> Channel | None:
    """Return the same as ``one_channel``, read in a transaction."""
    params = {"organization": organization_id, "id": channel_id}
    return next(map(_channel, cursor.execute(_ONE, params).fetchall()), None)


def _channel(row: TupleRow) -> Channel:
    values: dict[str, Any] = dict(zip(Channel.__struct_fields__, row, strict=True))
    return Channel(**values)
