"""Results of reads, kept from one request to the next while their rows stay."""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from typing import Any, NamedTuple, cast

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
        most = self._most_bytes // _PART
        size = _size_of((result, key), most)
        if size > most:
            return
        self._by_key[key] = _Entry(state, result, size)
        self._size += size
        while self._size > self._most_bytes:
            _, oldest = self._by_key.popitem(last=False)
            self._size -= oldest.size


def _size_of(value: Any, most: int) -> int:  # noqa: ANN401 - of any type
    """Return about how many bytes a value takes, or some number above ``most``.

    Lists have values of one type.
    """
    size, others = _OBJECT_BYTES, [value]
    # A walk through all parts of a result that is too large could take a second.
    while others and size <= most:
        one = others.pop()
        parts: Collection[Any] = ()
        if isinstance(one, (bytes, str)):
            size += len(one)
        elif (own := getattr(one, "nbytes", None)) is not None:
            # Arrays of NumPy, which a process without analytics does not load.
            size += own
        elif isinstance(one, Struct):
            parts = astuple(one)
        elif isinstance(one, Mapping):
            both = cast("Mapping[Any, Any]", one)
            parts = [*both.keys(), *both.values()]
        elif isinstance(one, (tuple, list, frozenset)):
            parts = cast("Collection[Any]", one)
        size += _OBJECT_BYTES * len(parts)
        if not isinstance(next(iter(parts), None), (int, float)):
            others += parts
    return size
