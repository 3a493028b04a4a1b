"""The places of open streams, each taken when it is checked that there is one."""

import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable, Mapping
from contextlib import aclosing
from typing import TypeVar

from api.http.errors import ApiError, Code

T = TypeVar("T")
HolderT = TypeVar("HolderT", bound=Hashable)


class StreamPlaces:
    """Counts the open streams of a process, by whoever has a limit on them."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()

    def held(
        self, stream: AsyncGenerator[T], *, most: Mapping[HolderT, int]
    ) -> AsyncGenerator[T]:
        """Return the stream with a place for each holder, given back at its end.

        Raises:
            ApiError: ``rate_limit_exceeded``, if a holder has the most already.
        """
        for holder, limit in most.items():
            if self._taken[holder] >= limit:
                message = f"There are {limit} open streams already; end one of them."
                raise ApiError(
                    Code.RATE_LIMIT_EXCEEDED, message, headers={"Retry-After": "5"}
                )
        self._taken.update(most.keys())
        places = _Places()
        # A client may be gone before the stream begins, and then nothing ends it.
        release = weakref.finalize(places, self._give_back, [*most])
        return _passed_on(stream, places, release)

    def _give_back(self, holders: Iterable[Hashable]) -> None:
        self._taken.subtract(holders)
        for holder in holders:
            if not self._taken[holder]:
                del self._taken[holder]


class _Places:
    """The places of one stream, given back when nothing refers to them any more."""


async def _passed_on(
    stream: AsyncGenerator[T],
    places: _Places,  # noqa: ARG001 - kept for as long as the stream is
    release: Callable[[], object],
) -> AsyncGenerator[T]:
    try:
        async with aclosing(stream):
            async for each in stream:
                yield each
    finally:
        release()
