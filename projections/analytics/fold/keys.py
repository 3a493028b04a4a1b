"""Keys of the rows of analytics, and instants as numbers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from projections.analytics.fold.columns import Longs

CreatorKey = tuple[UUID, UUID]
"""An organization and one of its creators."""

OwnerKey = tuple[UUID, int, UUID]
"""An organization, the number of a metric group, and an owner."""

SnapshotTime = tuple[int, int]
"""The time of a snapshot: microseconds since 1970, and its log position."""

_DAWN = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


def instant_of(time: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (time - _DAWN) // _MICROSECOND


def time_of(instant: int) -> datetime:
    """Return the time that is so many microseconds after 1970."""
    return _DAWN + instant * _MICROSECOND


def slots_of(instants: Longs) -> Longs:
    """Return the number of the quarter-hour of each instant."""
    return -(-instants // 900_000_000)


EntityKey = tuple[int, int]
"""The ids of an organization and of a row, as numbers: Python hashes UUIDs slowly."""


def entity_key(organization_id: UUID, id_: UUID) -> EntityKey:
    return organization_id.int, id_.int
