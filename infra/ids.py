"""Fresh ids: version 7 UUIDs, so that what is new stands together on disk."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return an id that nobody had before, ordered by the time it was made."""
    return uuid7()
