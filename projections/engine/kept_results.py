"""Results of reads, kept from one request to the next while their rows stay."""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

MOST_BYTES = 32 * 2**20
# Larger results would push out too many others.
_PART = 8
# An object of Python, and a reference to it.
_OBJECT_BYTES = 64


class _Entry(NamedTuple):
    """A result, the state in which it was read, and the memory that it takes."""

    state: str
    result: Any
    size: int


class KeptResults:
    """The newest results of one process, up to a number of bytes.

    A result holds as long as the state of the rows that it follows from is the same.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._by_key: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._size = 0

    def find(self, key: Hashable, state: str) -> tuple[Any] | None:
        """Return the result in a tuple; None if none was kept in this state."""
        kept = self._by_key.get(key)
        if kept is None or kept.state != state:
            return None
        self._by_key.move_to_end(key)
        return (kept.result,)

    def keep(self, key: Hashable, state: str, result: object) -> None:
        """Keep a result in the place of that of another state."""
        before = self._by_key.pop(key, None)
        if before is not None:
            self._size -= before.size
        size = _size_of(result) + _size_of(key)
        if size > self._most_bytes // _PART:
            return
        self._by_key[key] = _Entry(state, result, size)
        self._size += size
        while self._size > self._most_bytes:
            _, oldest = self._by_key.popitem(last=False)
            self._size -= oldest.size


def _size_of(value: Any) -> int:  # noqa: ANN401 - of any type
    """Return about how many bytes a value takes. Lists have values of one type."""
    if isinstance(value, (bytes, str)):
        return _OBJECT_BYTES + len(value)
    if isinstance(value, np.ndarray):
        return _OBJECT_BYTES + value.nbytes
    parts: Iterable[Any] = ()
    if isinstance(value, Struct):
        parts = astuple(value)
    elif isinstance(value, Mapping):
        parts = chain.from_iterable(cast("Mapping[Any, Any]", value).items())
    elif isinstance(value, (tuple, list, frozenset)):
        parts = cast("Collection[Any]", value)
        if isinstance(next(iter(parts), None), (int, float)):
            return _OBJECT_BYTES * (1 + len(parts))
    return _OBJECT_BYTES + sum(map(_size_of, parts))
