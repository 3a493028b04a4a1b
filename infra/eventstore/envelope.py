"""The envelopes of events: the columns of the log, in one order and by name."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

ENVELOPE: Final = """notification_id, originator_id, originator_version, recorded_at,
    actor, correlation_id, causation_id, topic"""
"""The columns before the body, in the order of ``open_envelope``."""

ENVELOPES: Final = f"SELECT {ENVELOPE}, state FROM goatherd_events"  # noqa: S608
"""The query of stored events as ``open_envelope`` reads them; a condition follows."""

_COLUMNS: Final = """notification_id AS position, originator_id AS stream,
       originator_version AS version, topic AS name, actor, recorded_at,
       correlation_id, causation_id"""

METADATA: Final = f"SELECT {_COLUMNS} FROM goatherd_events"  # noqa: S608
"""The query of stored events as rows of ``EventMetadata``; a condition follows."""

STORED_EVENTS: Final = f"SELECT {_COLUMNS}, state AS body FROM goatherd_events"  # noqa: S608
"""The query of stored events as rows of ``StoredEvent``; a condition follows."""


class EventMetadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event of the log without its body."""

    position: int
    stream: UUID
    version: int
    name: str
    actor: str
    recorded_at: datetime
    correlation_id: UUID | None
    causation_id: UUID | None


class StoredEvent(EventMetadata, frozen=True, kw_only=True, gc=False):
    """An event of the log with its body as it is stored."""

    body: bytes
