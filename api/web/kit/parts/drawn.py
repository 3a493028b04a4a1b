"""Drawn parts of pages that are kept for the next look, and forgotten in time."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

# Parts have names and texts of people, and nothing of an erased person is to stay.
SECONDS_KEPT = 300.0

P = ParamSpec("P")
T = TypeVar("T")
_forget_each: list[Callable[[], None]] = []


def kept_drawn(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the newest results of a function that draws parts of pages.

    Its arguments alone decide what it returns.
    """

    def of(draw: Callable[P, T]) -> Callable[P, T]:
        kept: Any = lru_cache(maxsize=most)(draw)
        _forget_each.append(kept.cache_clear)
        return cast("Callable[P, T]", kept)

    return of


def forget_drawn() -> None:
    for forget in _forget_each:
        forget()


async def keep_forgetting() -> NoReturn:
    """Forget all drawn parts again and again, until cancelled."""
    while True:
        await asyncio.sleep(SECONDS_KEPT)
        forget_drawn()
