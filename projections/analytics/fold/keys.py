"""Keys of the rows of analytics, and instants as numbers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from projections.analytics.fold.columns import Longs

CreatorKey = tuple[UUID, UUID]
"""An organization and its creator."""

OwnerKey = tuple[UUID, int, UUID]
"""An organization, the number of a metric group, and an owner."""

SnapshotTime = tuple[int, int]
"""Microseconds since 1970, and a position."""

_DAWN = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


def instant_of(time: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (time - _DAWN) // _MICROSECOND


def time_of(instant: int) -> datetime:
    """Return the time that is so many microseconds after 1970."""
    return _DAWN + instant * _MICROSECOND


def slots_of(instants: Longs) -> Longs:
    """Return the number of the quarter of an hour that each instant falls into."""
    return -(-instants // 900_000_000)


EntityKey = tuple[int, int]
"""An organization, and something of its, as numbers: Python hashes UUIDs slowly."""


def entity_key(organization_id: UUID, id_: UUID) -> EntityKey:
    """Return the key of an entity of an organization."""
    return organization_id.int, id_.int
