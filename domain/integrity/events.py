"""The events of the installation's own stream."""

from datetime import datetime
from typing import ClassVar

import msgspec

from domain.messages import Event


class PositionGap(msgspec.Struct, frozen=True):
    """The first and the last of some consecutive positions without an event."""

    first: int
    last: int


class RootSigned(Event, frozen=True, kw_only=True):
    """A root was signed: a statement about the log up to ``position``.

    ``tree`` is the hash of the Merkle tree over the heads of all ``streams``, in order
    of their ids. ``events`` is the hash of the positions and digests after
    ``before_position``, the position of the previous root. ``gaps`` are positions among
    them that hold no event, at most the first ``MOST_GAPS``. ``before`` is the SHA-256
    of the previous root's signed text, null for the first root. ``roots`` is the hash
    of the Merkle tree over all ``size`` earlier roots, null in roots of releases that
    made no such tree. All hashes, the public Ed25519 ``key`` and the ``signature`` are
    in hex.
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
    size: int = 0
    roots: str | None = None


class SigningKeyRotated(Event, frozen=True, kw_only=True):
    """The key that signs roots was changed from ``old_key`` to ``new_key``.

    ``signatures`` are those of both keys, in this order, over the time and both keys.
    Keys and signatures are in hex.
    """

    stored_name: ClassVar[str] = "signing_key_rotated"
    rotated_at: datetime
    old_key: str
    new_key: str
    signatures: tuple[str, str]


IntegrityEvent = RootSigned | SigningKeyRotated
