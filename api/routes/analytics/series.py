"""Series for /analytics: one question about some things, now or as of the past."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from api.http.as_of import AsOf
from api.routes.analytics.responses import Series, other, reference
from domain.analytics.buckets import Bucket, Range
from domain.analytics.metrics import Entity, Question
from domain.analytics.series import Ledger, points, total
from projections.analytics.queries.as_of import ledgers_then, there_then
from projections.analytics.queries.breakdown import breakdown
from projections.analytics.queries.series import Thing, ledgers, things
from projections.engine.reader import Reader


async def things_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    then: AsOf | None,
) -> tuple[list[Thing], str]:
    """Return the things in the order asked, and the organization's time zone.

    Things that are not there, or were not then, are left out.
    """
    found, own_zone = await things(reader, organization_id, entity, ids)
    there = {*found}
    if then is not None:
        there &= await there_then(
            reader, organization_id, entity, ids, at=then.position
        )
    return [found[id_] for id_ in ids if id_ in there], own_zone


class Look(Struct, frozen=True, kw_only=True):
    """One question, asked by one organization at one time.

    ``at`` is the position at which the log is taken to end, None for its real end.
    """

    reader: Reader
    organization_id: UUID
    asked: Question
    now: datetime
    at: int | None = None

    async def ledgers(self, ids: Sequence[UUID], days: Range) -> dict[UUID, Ledger]:
        """Return what the question needs of each thing."""
        return await self._ledgers(ids, days.buckets())

    async def ledger(self, of: UUID, bucket: Bucket) -> Ledger:
        """Return what the question needs of one thing in one bucket."""
        return (await self._ledgers([of], [bucket]))[of]

    async def _ledgers(
        self, ids: Sequence[UUID], buckets: Sequence[Bucket]
    ) -> dict[UUID, Ledger]:
        reader, organization_id = self.reader, self.organization_id
        if self.at is not None:
            return await ledgers_then(
                reader, organization_id, self.asked, ids, buckets, at=self.at
            )
        return await ledgers(reader, organization_id, self.asked, ids, buckets)

    def series(
        self, wanted: Sequence[Thing], of: Mapping[UUID, Ledger], days: Range
    ) -> list[Series]:
        """Return the series of the things, in their order."""
        entity = self.asked.entity
        return [self._series(entity, thing, of[thing.id], days) for thing in wanted]

    async def parts(self, of: UUID, whole: Ledger, days: Range) -> list[Series]:
        """Return the series of the videos behind a creator or project."""
        parts = await breakdown(
            self.reader,
            self.organization_id,
            self.asked,
            of,
            days.buckets(),
            whole=whole,
            at=self.at,
        )
        return [self._series("video", part.thing, part.ledger, days) for part in parts]

    def _series(
        self, kind: Entity, thing: Thing | None, ledger: Ledger, days: Range
    ) -> Series:
        return Series(
            entity_ref=other()
            if thing is None
            else reference(kind, thing.id, thing.label),
            points=points(self.asked, ledger, days.buckets(), now=self.now),
            total=total(self.asked, ledger, days=days.days),
        )
