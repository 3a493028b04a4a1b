"""Merkle trees by RFC 6962, held against its definition and known values."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.integrity.merkle import MerkleTree, Path, leaf_hash, node_hash

# The leaves and roots that Certificate Transparency's own implementations test with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root_of_path(leaf: bytes, path: Path) -> bytes:
    """The hash of the tree in which a leaf's hash has this path."""
    for step in path:
        pair = (step.hash, leaf) if step.is_left else (leaf, step.hash)
        leaf = node_hash(*pair)
    return leaf


def by_definition(leaves: list[bytes]) -> bytes:
    """The hash of a list of leaves, word for word as RFC 6962 defines it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    left, right = by_definition(leaves[:half]), by_definition(leaves[half:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_over(leaves: list[bytes]) -> tuple[bytes, list[Path]]:
    tree, paths = MerkleTree(), [Path() for _ in leaves]
    for leaf, path in zip(leaves, paths, strict=True):
        tree.add(leaf_hash(leaf), path=path)
    assert tree.size == len(leaves)
    return tree.root_hash(), paths


@pytest.mark.parametrize("amount", range(len(ROOTS)))
def test_trees_have_the_known_roots(amount: int):
    assert tree_over(LEAVES[:amount])[0].hex() == ROOTS[amount]


@given(st.lists(st.binary(max_size=3), max_size=40))
def test_the_root_is_that_of_the_definition_and_every_path_leads_to_it(
    leaves: list[bytes],
):
    root, paths = tree_over(leaves)

    assert root == by_definition(leaves)
    assert all(
        root_of_path(leaf_hash(leaf), path) == root
        for leaf, path in zip(leaves, paths, strict=True)
    )


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=20), st.data())
def test_no_other_leaf_has_a_path_to_the_root(leaves: list[bytes], data: st.DataObject):
    root, paths = tree_over(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(max_size=3).filter(lambda it: it != leaves[index]))

    assert root_of_path(leaf_hash(other), paths[index]) != root
