"""Numbers of an organization, kept by pages until its rows of analytics change."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar
from uuid import UUID

from projections.analytics.store.positions import POSITION_AND_STATE
from projections.engine.reader import Reader

T = TypeVar("T")


async def kept_numbers(
    reader: Reader,
    organization_id: UUID,
    key: tuple[Hashable, ...],
    make: Callable[[Reader], Awaitable[T]],
) -> T:
    """Return what ``make`` reads from analytics alone, as ``Reader.kept`` does."""
    return await reader.kept(organization_id, POSITION_AND_STATE, key, make)
