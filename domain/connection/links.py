"""Connect links: a creator opens the link to connect their own account."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

LINK_LIFETIME = timedelta(days=7)

LinkState = Literal["open", "used", "revoked", "expired"]


class ConnectLink(Struct, frozen=True, kw_only=True):
    """A link that connects one creator once, until ``expires_at``.

    The link counts as used when the creator has consented, not when they open it.
    """

    id: UUID
    organization_id: UUID
    creator_id: UUID
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> LinkState:
        """Return whether the link works, and otherwise why not.

        A used link stays "used" after its end, because its creator wants to know that.
        """
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


def new_link(
    link_id: UUID, *, organization_id: UUID, creator_id: UUID, now: datetime
) -> ConnectLink:
    """Return a link that works for seven days from ``now``."""
    return ConnectLink(
        id=link_id,
        organization_id=organization_id,
        creator_id=creator_id,
        created_at=now,
        expires_at=now + LINK_LIFETIME,
    )
