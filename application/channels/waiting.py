"""A message in the table, before its text is made."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class WaitingMessage(Struct, frozen=True, kw_only=True):
    """A message that waits for a channel; ``tries`` counts those that failed."""

    id: UUID
    organization_id: UUID
    organization: str
    kind: str
    content: Mapping[str, Any]
    tries: int
    created_at: datetime
