"""Ranking: rows by falling value, with unknown values last."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")


def ranked(
    rows: Iterable[T], value: Callable[[T], Any], *, id_of: Callable[[T], UUID]
) -> list[T]:
    """Return the rows by falling value; unknown values (None) come last.

    Rows with equal values are in order of their ids, so that pages do not overlap.
    """

    def key(row: T) -> tuple[bool, Any]:
        own = value(row)
        return own is not None, own

    # Sorting keeps the order of equal rows, also when it is reversed. Two unknown
    # values are equal: the second elements, the same None, are never compared.
    return sorted(sorted(rows, key=id_of), key=key, reverse=True)
