"""Overlap: what two groups of creators and videos have in common."""

from collections.abc import Set as AbstractSet
from uuid import UUID

from domain.analytics.series import DECIMALS


def jaccard(ones: AbstractSet[UUID], others: AbstractSet[UUID]) -> float | None:
    """Return how many are in both by how many are in one of them, from 0 to 1.

    None if both are empty (P. Jaccard, 1901).
    """
    either = len(ones | others)
    return round(len(ones & others) / either, DECIMALS) if either else None
