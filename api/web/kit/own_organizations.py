"""The organizations of people, between which they switch."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from application.accounts.joining import Joining, OwnOrganization

_SECONDS = 5.0
_MAX_CACHED = 1_000


class OwnOrganizations:
    """Reads the organizations of people, and keeps them for some seconds."""

    def __init__(
        self, joining: Joining, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._joining = joining
        self._clock = clock
        self._cached: dict[UUID, tuple[float, Sequence[OwnOrganization]]] = {}

    async def of(self, person_id: UUID) -> Sequence[OwnOrganization]:
        """Return a person's organizations by name; they may be some seconds old."""
        now = self._clock()
        cached = self._cached.get(person_id)
        if cached is not None and now < cached[0]:
            return cached[1]
        found = await self._joining.organizations_of(person_id)
        if len(self._cached) >= _MAX_CACHED:
            self._cached.clear()
        self._cached[person_id] = (now + _SECONDS, found)
        return found

    def cached_of(self, person_id: UUID) -> Sequence[OwnOrganization]:
        """Return a person's organizations if they were read lately, else none."""
        cached = self._cached.get(person_id)
        return () if cached is None else cached[1]

    async def others_with(
        self, person_id: UUID, organization_id: UUID, ids: Sequence[UUID]
    ) -> frozenset[UUID]:
        """Return the person's other organizations that have a thing with such an id."""
        if not ids:
            return frozenset()
        return frozenset(
            await self._joining.organizations_with(person_id, ids) - {organization_id}
        )

    def forget(self, person_id: UUID) -> None:
        """Read a person's organizations again next time, since they joined one."""
        self._cached.pop(person_id, None)
