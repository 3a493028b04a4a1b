"""Connect links: what somebody sends to a creator, so that it connects its account."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

LINK_LIFETIME = timedelta(days=7)

LinkState = Literal["open", "used", "revoked", "expired"]


class ConnectLink(Struct, frozen=True, kw_only=True):
    """A link that connects one creator once, until ``expires_at``.

    It is used when the creator has consented, and not when it is opened.
    """

    id: UUID
    organization_id: UUID
    creator_id: UUID
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> LinkState:
        """Return whether it works, else why not; who used it wants to know that."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


def new_link(
    link_id: UUID, *, organization_id: UUID, creator_id: UUID, now: datetime
) -> ConnectLink:
    """Return a link that works from now on, for seven days."""
    return ConnectLink(
        id=link_id,
        organization_id=organization_id,
        creator_id=creator_id,
        created_at=now,
        expires_at=now + LINK_LIFETIME,
    )
