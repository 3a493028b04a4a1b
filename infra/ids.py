"""New ids: UUIDs of version 7, so that new rows are neighbours in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new id; ids sort by the time they were made."""
    return uuid7()
