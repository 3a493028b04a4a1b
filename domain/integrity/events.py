"""The events of the installation's own stream."""

from datetime import datetime
from typing import ClassVar

import msgspec

from domain.messages import Event


class PositionGap(msgspec.Struct, frozen=True):
    """The first and the last of some consecutive positions that hold no event."""

    first: int
    last: int


class RootSigned(Event, frozen=True, kw_only=True):
    """A root was signed: all of the log up to ``position`` is as it was then.

    ``tree`` is the hash of the Merkle tree over the heads of all ``streams``, in order
    of their ids. ``events`` is the hash of the positions and digests after the position
    ``before_position`` of the root before, and ``gaps`` are the positions among
    them that hold no event, the first ``MOST_GAPS`` of them. ``before`` is
    the SHA-256 of the text that the root before signed, null for the first. All hashes,
    the public Ed25519 ``key`` and the ``signature`` are written in hex.
    """

    stored_name: ClassVar[str] = "root_signed"
    position: int
    streams: int
    tree: str
    events: str
    signed_at: datetime
    key: str
    signature: str
    gaps: tuple[PositionGap, ...] = ()
    before: str | None = None
    before_position: int = 0
