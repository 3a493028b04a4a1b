"""Merkle trees by RFC 6962: one hash over many leaves, and paths from a leaf to it."""

from collections.abc import Sequence
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
        subtrees = self._subtrees
        if not any(each.paths for each in subtrees):
            subtrees = list(subtrees)
        while len(subtrees) > 1:
            right = subtrees.pop()
            subtrees.append(_join(subtrees.pop(), right))
        return subtrees[0].hash if subtrees else EMPTY


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the hash of the tree over these hashes of leaves."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root_hash()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, as RFC 9162, 2.1.3, says."""
    path: Path = []
    tree = MerkleTree()
    for number, leaf in enumerate(leaves):
        tree.add(leaf, path=path if number == index else None)
    tree.root_hash()
    return [step.hash for step in path]


def consistency_path(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Return the proof that the tree over the first ``size`` leaves was continued.

    It is that of RFC 9162, 2.1.4; ``size`` is at least 1 and at most the number of
    leaves.
    """
    hashes: list[bytes] = []
    # From the whole tree down: what the older tree does not reach into is one hash.
    is_known = True
    while size < len(leaves):
        half = 1 << (len(leaves) - 1).bit_length() - 1
        if size <= half:
            hashes.append(tree_hash(leaves[half:]))
            leaves = leaves[:half]
        else:
            hashes.append(tree_hash(leaves[:half]))
            leaves, size, is_known = leaves[half:], size - half, False
    if not is_known:
        hashes.append(tree_hash(leaves))
    return hashes[::-1]


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
