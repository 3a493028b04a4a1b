"""New ids: UUIDs of version 7, which put new rows next to each other in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new id; ids sort by the time of their creation."""
    return uuid7()
