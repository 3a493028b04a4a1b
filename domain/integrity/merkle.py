"""Merkle trees by RFC 6962: one hash over many leaves, and paths from a leaf to it."""

from hashlib import sha256
from typing import NamedTuple

_LEAF, _NODE = b"\x00", b"\x01"
EMPTY = sha256().digest()


class Step(NamedTuple):
    """The hash of a sibling on the way to the root, and whether it is on the left."""

    is_left: bool
    hash: bytes


Path = list[Step]


class _Subtree(NamedTuple):
    size: int
    hash: bytes
    paths: list[Path]


class MerkleTree:
    """A tree that leaves are added to in order; it keeps one hash a level of it."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[_Subtree] = []

    def add(self, leaf: bytes, *, path: Path | None = None) -> None:
        """Add the hash of the next leaf, as ``leaf_hash`` returns it.

        ``path`` is extended by the leaf's way to the root, up to ``root_hash``.
        """
        self.size += 1
        added = _Subtree(1, leaf, [] if path is None else [path])
        while self._subtrees and self._subtrees[-1].size == added.size:
            added = _join(self._subtrees.pop(), added)
        self._subtrees.append(added)

    def root_hash(self) -> bytes:
        """Return the hash of the whole tree.

        Paths end there: to a tree with paths nothing can be added any more.
        """
        subtrees = list(self._subtrees)
        while len(subtrees) > 1:
            right = subtrees.pop()
            subtrees.append(_join(subtrees.pop(), right))
        return subtrees[0].hash if subtrees else EMPTY


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return sha256(_NODE + left + right).digest()


def _join(left: _Subtree, right: _Subtree) -> _Subtree:
    for path in left.paths:
        path.append(Step(is_left=False, hash=right.hash))
    for path in right.paths:
        path.append(Step(is_left=True, hash=left.hash))
    return _Subtree(
        left.size + right.size,
        node_hash(left.hash, right.hash),
        left.paths + right.paths if left.paths or right.paths else left.paths,
    )
