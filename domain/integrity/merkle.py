"""Merkle trees by RFC 6962: one hash over many leaves, and paths from leaves to it."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

_LEAF, _NODE = b"\x00", b"\x01"
EMPTY = sha256().digest()


class Step(NamedTuple):
    """The hash of a sibling on the way to the root; ``is_left`` says on which side."""

    is_left: bool
    hash: bytes


Path = list[Step]


class _Subtree(NamedTuple):
    size: int
    hash: bytes
    paths: list[Path]


class MerkleTree:
    """A tree that grows leaf by leaf, and that keeps one hash for each level."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[_Subtree] = []

    def add(self, leaf: bytes, *, path: Path | None = None) -> None:
        """Add the hash of the next leaf, as ``leaf_hash`` returns it.

        ``path`` gets the leaf's way to the root appended, up to the call of
        ``root_hash``.
        """
        self.size += 1
        added = _Subtree(1, leaf, [] if path is None else [path])
        while self._subtrees and self._subtrees[-1].size == added.size:
            added = _join(self._subtrees.pop(), added)
        self._subtrees.append(added)

    def root_hash(self) -> bytes:
        """Return the hash of the whole tree.

        Paths end with this call: a tree with paths takes no more leaves afterwards.
        """
        subtrees = self._subtrees
        if not any(each.paths for each in subtrees):
            subtrees = list(subtrees)
        while len(subtrees) > 1:
            right = subtrees.pop()
            subtrees.append(_join(subtrees.pop(), right))
        return subtrees[0].hash if subtrees else EMPTY


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root_hash()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, by RFC 9162, 2.1.3."""
    path: Path = []
    tree = MerkleTree()
    for number, leaf in enumerate(leaves):
        tree.add(leaf, path=path if number == index else None)
    tree.root_hash()
    return [step.hash for step in path]


def consistency_path(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Return the proof of RFC 9162, 2.1.4, that a tree continues an older one.

    ``size`` is the number of leaves in the older tree, which are the first ones: at
    least 1, at most all.
    """
    hashes: list[bytes] = []
    # From the whole tree down, a part without leaves of the older tree is one hash.
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
    return sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
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
