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
    the SHA-256 of the text that the root before signed, null for the first. ``roots``
    is the hash of the Merkle tree over the ``size`` roots before, null in roots that
    were signed before there was one. All hashes, the public Ed25519 ``key`` and the
    ``signature`` are written in hex.
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


class HistorySealed(Event, frozen=True, kw_only=True):
    """What earlier releases had stored in the clear was sealed, once.

    Of the events up to ``position``, ``events`` were rewritten: the bodies of those
    with personal data, and the digests of all that follow them in their streams.
    ``tree_before`` and ``events_before`` are what a root without one before it would
    have said of these positions until then, ``tree_after`` and ``events_after`` what it
    says since. Roots that were signed before hold the log of before, of which a copy
    shows that it is the one that this names. ``roots`` is the hash of the Merkle tree
    over the ``size`` roots up to that position; the log still held those since the
    sealing before when this one began. It is null in notes of before, which do not
    say that. Everything else is as in ``RootSigned``.
    """

    stored_name: ClassVar[str] = "history_sealed"
    position: int
    events: int
    streams: int
    tree_before: str
    events_before: str
    tree_after: str
    events_after: str
    signed_at: datetime
    key: str
    signature: str
    gaps: tuple[PositionGap, ...] = ()
    size: int = 0
    roots: str | None = None


class SigningKeyRotated(Event, frozen=True, kw_only=True):
    """The key that signs roots was changed: ``old_key`` ended, ``new_key`` began.

    ``signatures`` are those of both, in this order, of the time and both keys. Keys and
    signatures are written in hex.
    """

    stored_name: ClassVar[str] = "signing_key_rotated"
    rotated_at: datetime
    old_key: str
    new_key: str
    signatures: tuple[str, str]


IntegrityEvent = RootSigned | HistorySealed | SigningKeyRotated
