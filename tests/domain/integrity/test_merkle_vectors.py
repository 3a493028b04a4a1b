"""Proofs over the log of roots, judged by the vectors of transparency-dev/merkle.

The valid ones are in merkle_vectors.json. The invalid ones are made from them here, by
the same changes that its own probes are made by.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.integrity.merkle import (
    EMPTY,
    consistency_path,
    inclusion_path,
    leaf_hash,
    tree_hash,
)
from tests.domain.integrity.test_merkle import LEAVES, ROOTS
from tests.kit.paths import ROOT, module_of

SCRIPT = module_of(ROOT / "docs" / "verify.py")
VECTORS = json.loads((Path(__file__).parent / "merkle_vectors.json").read_text())
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")

Proof = list[bytes]


class Inclusion(NamedTuple):
    """The arguments of ``is_included``."""

    number: int
    size: int
    leaf: bytes
    proof: Proof
    root: bytes


class Consistency(NamedTuple):
    """The arguments of ``is_consistent``."""

    first: int
    second: int
    old: bytes
    new: bytes
    proof: Proof


def root_of(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size])


def proof_of(vector: dict[str, Any]) -> Proof:
    return [bytes.fromhex(each) for each in vector["proof"]]


def inclusions() -> list[Inclusion]:
    return [
        Inclusion(
            vector["index"],
            vector["size"],
            HASHES[vector["index"]],
            proof_of(vector),
            root_of(vector["size"]),
        )
        for vector in VECTORS["inclusion"]
    ]


def consistencies() -> list[Consistency]:
    return [
        Consistency(
            vector["first"],
            vector["second"],
            root_of(vector["first"]),
            root_of(vector["second"]),
            proof_of(vector),
        )
        for vector in VECTORS["consistency"]
    ]


def changed_bits(proof: Proof, bit: int) -> Iterator[Proof]:
    for number, each in enumerate(proof):
        yield [
            *proof[:number],
            bytes([each[0] ^ bit, *each[1:]]),
            *proof[number + 1 :],
        ]


def invalid_inclusions(valid: Inclusion) -> Iterator[Inclusion]:
    proof = valid.proof
    for index in (valid.number - 1, valid.number + 1, valid.number ^ 2):
        yield valid._replace(number=index)
    for size in (valid.size * 2, valid.size // 2):
        yield valid._replace(size=size)
    yield valid._replace(leaf=b"WrongLeaf")
    for root in (EMPTY, SOME):
        yield valid._replace(root=root)
    for extra in (b"", valid.root):
        yield valid._replace(proof=[*proof, extra])
        yield valid._replace(proof=[extra, *proof])
    for wrong in changed_bits(proof, 8):
        yield valid._replace(proof=wrong)
    if proof:
        yield valid._replace(proof=proof[:-1])
    if len(proof) > 1:
        yield valid._replace(proof=[proof[0], SOME, *proof[1:]])


def other_inclusions() -> Iterator[Inclusion]:
    """Yield cases without a valid one: trees of no or one leaf, empty hashes."""
    for index, size in ((0, 0), (0, 1), (1, 0), (2, 1)):
        yield Inclusion(index, size, SOME, [], b"")
        yield Inclusion(index, size, b"", [], EMPTY)
        yield Inclusion(index, size, SOME, [], EMPTY)
    only = leaf_hash(b"data")
    yield Inclusion(0, 1, b"", [], only)
    yield Inclusion(0, 1, only, [], b"")
    yield Inclusion(0, 1, b"", [], b"")


def invalid_consistencies(valid: Consistency) -> Iterator[Consistency]:
    proof = valid.proof
    for first in (valid.first - 1, valid.first + 1, valid.first ^ 2):
        yield valid._replace(first=first)
    for second in (valid.second * 2, valid.second // 2):
        yield valid._replace(second=second)
    yield valid._replace(old=b"WrongRoot")
    yield valid._replace(new=b"WrongRoot")
    yield valid._replace(old=valid.new, new=valid.old)
    yield valid._replace(proof=[])
    for extra in (b"", valid.old, valid.new):
        yield valid._replace(proof=[*proof, extra])
        yield valid._replace(proof=[extra, *proof])
    yield valid._replace(proof=[proof[0], *proof])
    yield valid._replace(proof=proof[:-1])
    for wrong in changed_bits(proof, 16):
        yield valid._replace(proof=wrong)


def other_consistencies() -> Iterator[Consistency]:
    one, two = b"any root", b"another"
    for first, second in ((0, 0), (1, 1), (0, 1), (1, 0), (2, 1), (1, 2)):
        yield Consistency(first, second, one, two, [])
        yield Consistency(first, second, EMPTY, two, [])
        yield Consistency(first, second, EMPTY, EMPTY, [EMPTY])
    yield Consistency(0, 0, one, one, [])


def test_valid_proofs_are_accepted_and_ours_are_the_same():
    for valid in inclusions():
        assert SCRIPT.is_included(*valid), valid
        assert inclusion_path(HASHES[: valid.size], valid.number) == valid.proof
    for valid in consistencies():
        assert SCRIPT.is_consistent(*valid), valid
        assert consistency_path(HASHES[: valid.second], valid.first) == valid.proof
    only = leaf_hash(b"data")
    assert SCRIPT.is_included(0, 1, only, [], only)
    assert SCRIPT.is_consistent(1, 1, b"any root", b"any root", [])


def test_invalid_proofs_are_refused():
    wrong = [each for valid in inclusions() for each in invalid_inclusions(valid)]
    wrong += other_inclusions()
    accepted = [each for each in wrong if SCRIPT.is_included(*each)]
    others = [
        each
        for valid in consistencies()
        if valid.proof
        for each in invalid_consistencies(valid)
    ]
    others += other_consistencies()

    assert accepted == []
    assert [each for each in others if SCRIPT.is_consistent(*each)] == []
    # As many as there are, or more.
    assert len(wrong) + len(inclusions()) + 1 >= 98
    assert len(others) + len(consistencies()) + 1 >= 98


@given(st.integers(1, 40), st.data())
def test_every_tree_includes_its_leaves_and_continues_those_before_it(
    size: int, data: st.DataObject
):
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    root = tree_hash(leaves)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    first = data.draw(st.integers(1, size))
    path, way = inclusion_path(leaves, index), consistency_path(leaves, first)
    old = tree_hash(leaves[:first])

    assert SCRIPT.is_included(index, size, leaves[index], path, root)
    if other != index:
        assert not SCRIPT.is_included(other, size, leaves[index], path, root)
    assert SCRIPT.is_consistent(first, size, old, root, way)
    forged = tree_hash([*leaves[: first - 1], leaf_hash(b"other")])
    assert not SCRIPT.is_consistent(first, size, forged, root, way)


@pytest.mark.parametrize("amount", range(len(ROOTS)))
def test_trees_have_the_known_roots(amount: int):
    assert tree_hash(HASHES[:amount]) == root_of(amount)
