"""project_logos: the present logo of each project, stored with the event about it.

The log has only the digest, so no rebuild makes these rows.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.reader import Reader

_KEEP = """
INSERT INTO project_logos (organization_id, project_id, media_type, content)
VALUES (%s, %s, %s, %s) ON CONFLICT (organization_id, project_id)
DO UPDATE SET media_type = excluded.media_type, content = excluded.content
"""
_REMOVE = "DELETE FROM project_logos WHERE organization_id = %s AND project_id = %s"
_ONE = b"""
SELECT content, media_type FROM project_logos
WHERE organization_id = %(organization)s AND project_id = %(project)s
"""


class StoredLogo(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a logo, and their media type."""

    content: bytes
    media_type: str


def keep_logo(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], content: bytes = b""
) -> None:
    """Store the content of the logo that events set, or remove the logo.

    It runs in the transaction that appends the events.
    """
    for recorded in events:
        event = recorded.event
        if not isinstance(event, e.ProjectLogoChanged):
            continue
        key = (recorded.stream, event.project_id)
        if event.logo is None:
            cursor.execute(_REMOVE, key)
            continue
        cursor.execute(_KEEP, (*key, event.logo.media_type, content))


async def logo_of_project(
    reader: Reader, organization_id: UUID, project_id: UUID
) -> StoredLogo | None:
    """Return the logo of a project, None if it has none."""
    parameters = {"organization": organization_id, "project": project_id}
    rows = await reader.rows(organization_id, _ONE, parameters)
    return next(iter(structs(StoredLogo, rows)), None)
