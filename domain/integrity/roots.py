"""Roots: the signed statements about the log, their texts and their hashes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Self, TypeVar

import msgspec

from domain.integrity.events import PositionGap, RootSigned
from domain.integrity.merkle import MerkleTree, Path, leaf_hash, tree_hash
from domain.messages import Event

# Events of this many positions are hashed as one block, so that the parts of a long log
# can be hashed separately.
BLOCK = 4_096
MOST_GAPS = 1_000
_STREAM_BYTES = 16

E = TypeVar("E", bound=Event)

# The first and the last of some positions.
Positions = tuple[int, int]


class LogContent(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes and counts of the log up to a position; see ``RootSigned``."""

    position: int
    streams: int
    tree: str
    events: str
    gaps: tuple[PositionGap, ...]


WrittenTime = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time as it was written where it was signed, letter by letter."""


class PublicRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A signed root without the numbers that show how much an installation does.

    ``signed_at`` is in UTC, with microseconds, as in the signed text. ``details`` is
    the SHA-256 of ``details_text``. ``roots`` is the hash of the Merkle tree over the
    ``size`` roots before this one, null in roots of older releases. The signature is
    over all fields.
    """

    signed_at: WrittenTime
    tree: str
    details: str
    size: int = 0
    roots: str | None = None
    key: str
    signature: str

    @classmethod
    def of(cls, root: RootSigned) -> Self:
        return cls(
            signed_at=time_text(root.signed_at),
            tree=root.tree,
            details=sha256(details_text(root)).hexdigest(),
            size=root.size,
            roots=root.roots,
            key=root.key,
            signature=root.signature,
        )


class SignedRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A signed root of the log with all of its fields; keep it elsewhere.

    ``position`` is the end of the log at the signing. ``tree`` is the hash of the tree
    over the heads of all ``streams``, and ``events`` that of the events after
    ``before_position``, between which there are ``gaps``. ``before`` is the hash of the
    previous root, null in the first. ``roots`` is the hash of the Merkle tree over the
    ``size`` roots before this one, null in roots of older releases. ``hash`` is that of
    the signed text.
    """

    hash: str
    position: int
    streams: int
    tree: str
    events: str
    gaps: tuple[PositionGap, ...]
    before: str | None
    before_position: int
    size: int
    roots: str | None
    signed_at: datetime
    key: str
    signature: str

    @classmethod
    def of(cls, root: RootSigned) -> Self:
        """Return a root with its hash."""
        return cls(hash=text_hash(root), **msgspec.structs.asdict(root))


def details_text(root: RootSigned) -> bytes:
    """Return the part of a root that only operators see, as text."""
    gaps = " ".join(f"{gap.first}-{gap.last}" for gap in root.gaps)
    return (
        "goatherd root details 1\n"
        f"position {root.position}\n"
        f"streams {root.streams}\n"
        f"events {root.events}\n"
        f"gaps {gaps}\n"
        f"before {root.before or '-'} {root.before_position}\n"
    ).encode()


def signed_text(root: RootSigned | PublicRoot) -> bytes:
    public = PublicRoot.of(root) if isinstance(root, RootSigned) else root
    roots = "" if public.roots is None else f"{public.size} {public.roots}\n"
    return (
        f"goatherd root {2 if roots else 1}\n"
        f"{public.signed_at}\n"
        f"{public.tree}\n"
        f"{public.details}\n"
        f"{roots}"
        f"{public.key}\n"
    ).encode()


def time_text(at: datetime) -> str:
    """Return a time as signed texts have it: in UTC, with microseconds."""
    # The standard library does not pad years to four digits on every platform.
    moment = at.astimezone(UTC)
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S.%fZ}"


def is_over(root: RootSigned, tree: MerkleTree) -> bool:
    """Tell whether a root was made over a tree of heads."""
    return (tree.size, tree.root_hash().hex()) == (root.streams, root.tree)


def leaf_of(root: RootSigned | PublicRoot) -> bytes:
    """Return the hash of a root as a leaf of the tree over roots, from its signed text.

    The leaf leaves the signature out, because another signature of the same text states
    the same.
    """
    return leaf_hash(signed_text(root))


def roots_hash(roots: Iterable[RootSigned]) -> str:
    """Return the hash of the Merkle tree over roots, in their order."""
    return tree_hash([leaf_of(root) for root in roots]).hex()


def text_hash(root: RootSigned | PublicRoot) -> str:
    """Return the SHA-256 of a root's signed text, by which the next root names it."""
    return sha256(signed_text(root)).hexdigest()


def unsigned_root(
    content: LogContent, before: Sequence[RootSigned], *, key: str, at: datetime
) -> RootSigned:
    """Return the root of ``content`` that follows all roots before, without signature.

    The events of ``content`` begin after the position of the newest root.
    """
    return RootSigned(
        **msgspec.structs.asdict(content),
        before=text_hash(before[-1]) if before else None,
        before_position=before[-1].position if before else 0,
        size=len(before),
        roots=roots_hash(before),
        signed_at=at,
        key=key,
        signature="",
    )


def newest_of(history: Iterable[Event], kind: type[E]) -> E | None:
    """Return the newest event of a kind in the history of the installation's stream."""
    newest = None
    for event in history:
        if isinstance(event, kind):
            newest = event
    return newest


class HeadTrees:
    """The trees over the heads of all streams, at several positions at once."""

    def __init__(self, amount: int) -> None:
        self._trees = [MerkleTree() for _ in range(amount)]
        self._stream = b""
        self._heads: list[tuple[int, bytes]] = []

    def add(self, heads: Iterable[tuple[int, bytes]]) -> None:
        """Add heads in order of stream and tree.

        Each head is the index of its first tree and 56 bytes: the stream, the version
        and the digest.
        """
        for first, head in heads:
            if head[:_STREAM_BYTES] != self._stream:
                self._end_stream()
                self._stream = head[:_STREAM_BYTES]
            self._heads.append((first, head))

    def trees(self) -> list[MerkleTree]:
        """Return the trees; no head can be added afterwards."""
        self._end_stream()
        return self._trees

    def _end_stream(self) -> None:
        ends = [first for first, _ in self._heads[1:]] + [len(self._trees)]
        for (first, head), end in zip(self._heads, ends, strict=False):
            leaf = leaf_hash(head)
            for tree in self._trees[first:end]:
                tree.add(leaf)
        self._heads.clear()


def tree_with_paths(
    heads: Iterable[bytes], paths: dict[bytes, Path]
) -> tuple[MerkleTree, dict[bytes, bytes]]:
    """Return the tree over heads, and the heads of the streams in ``paths``.

    Each path gets the steps from its stream's head to the root appended.
    """
    tree = MerkleTree()
    found: dict[bytes, bytes] = {}
    for head in heads:
        path = paths.get(head[:_STREAM_BYTES])
        if path is not None:
            found[head[:_STREAM_BYTES]] = head
        tree.add(leaf_hash(head), path=path)
    tree.root_hash()
    return tree, found


def events_hash(blocks: Iterable[bytes]) -> str:
    """Return the hash of all events between two roots, from their blocks' hashes."""
    digest = sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


class LogPart:
    """The events after a position: the hashes of their blocks, and the gaps."""

    def __init__(self, first: int) -> None:
        self.blocks: list[bytes] = []
        self.gaps: list[Positions] = []
        self._next = first
        self._block, self._digest = -1, sha256()

    def add(self, events: Iterable[tuple[int, bytes]]) -> None:
        """Add positions and digests, in order of position."""
        for position, link in events:
            if position != self._next:
                self.gaps.append((self._next, position - 1))
            self._next = position + 1
            if position // BLOCK != self._block:
                self._end_block()
                self._block = position // BLOCK
            self._digest.update(position.to_bytes(8, "big", signed=True) + link)

    def end(self, last: int) -> None:
        """Record that no more events follow up to ``last``."""
        self._end_block()
        if self._next <= last:
            self.gaps.append((self._next, last))

    def _end_block(self) -> None:
        if self._block >= 0:
            self.blocks.append(self._digest.digest())
        self._block, self._digest = -1, sha256()


def joined_gaps(gaps: Iterable[Positions]) -> list[Positions]:
    """Return gaps in order of position; adjacent gaps become one."""
    joined: list[Positions] = []
    for first, last in gaps:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
