"""Overlap: the creators and videos that groups have in common, two at a time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from uuid import UUID

from msgspec import Struct

from domain.analytics.series import DECIMALS


class Overlap(Struct, frozen=True):
    """The size of the intersection of two groups, and their similarity.

    ``jaccard`` is the intersection divided by the union, from 0 to 1, null if both
    groups are empty (P. Jaccard, 1901).
    """

    shared: int
    jaccard: float | None


def overlaps(
    groups: Sequence[UUID], amounts: Iterable[tuple[Sequence[UUID], int]]
) -> Mapping[tuple[UUID, UUID], Overlap]:
    """Return the overlap of each two groups, in the groups' order.

    Each amount is the number of things that are in exactly the named groups.
    """
    held = [({*these}, amount) for these, amount in amounts]
    found: dict[tuple[UUID, UUID], Overlap] = {}
    for pair in combinations(groups, 2):
        shared = sum(amount for these, amount in held if these.issuperset(pair))
        either = sum(amount for these, amount in held if not these.isdisjoint(pair))
        jaccard = round(shared / either, DECIMALS) if either else None
        found[pair] = Overlap(shared, jaccard)
    return found
