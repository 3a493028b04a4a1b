"""The table of messages that wait: they are added with the events that cause them."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor
from psycopg.types.json import Jsonb

from application.channels.follow import WORK
from application.due.work import plan_now
from infra.ids import new_id

# Rows are held in one order, so that two transactions never wait for each other.
_CHANNELS: LiteralString = """
SELECT s.channel_id FROM channel_states s
JOIN channels c ON c.organization_id = s.organization_id AND c.id = s.channel_id
WHERE s.organization_id = %(organization)s AND s.channel_id = ANY(%(channels)s)
AND c.enabled AND c.removed_at IS NULL AND c.kind <> 'creator_email'
AND (c.project_id IS NULL OR c.project_id = %(project)s)
ORDER BY s.channel_id FOR UPDATE OF s
"""
_ADD: LiteralString = """
INSERT INTO channel_messages (id, organization_id, channel_id, kind, content)
VALUES (%s, %s, %s, %s, %s)
"""


def queue_message(
    cursor: Cursor[Any],
    organization_id: UUID,
    channel_ids: Sequence[UUID],
    *,
    kind: str,
    content: Struct,
    project_id: UUID | None = None,
) -> None:
    """Let channels get a message after the transaction of ``cursor``.

    Each channel that is enabled and about the project gets the message once; one for
    mails to creators gets none, since the message is for the team.
    ``content`` names things by their ids, and the composer of ``kind`` makes the text
    of it when it is sent, so that erased names are in no message.
    """
    if not channel_ids:
        return
    found = cursor.execute(
        _CHANNELS,
        {
            "organization": organization_id,
            "channels": [*channel_ids],
            "project": project_id,
        },
    ).fetchall()
    if not found:
        return
    stored = Jsonb(content, dumps=msgspec.json.encode)
    for (channel_id,) in found:
        cursor.execute(_ADD, (new_id(), organization_id, channel_id, kind, stored))
    plan_now(cursor, WORK, [str(channel_id) for (channel_id,) in found])
