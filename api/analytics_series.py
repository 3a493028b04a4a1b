"""Series for /analytics: one question about some things, now or as of the past."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from api.analytics_answers import Series, other, reference
from api.queries import invalid_query
from domain.buckets import Bucket, Range
from domain.metrics import Entity, Question
from domain.series import Ledger, points, total
from projections.analytics_breakdown import breakdown
from projections.analytics_past import ledgers_then, log_end, there_then
from projections.analytics_queries import Thing, ledgers, things
from projections.reading import Reader


class Then(Struct, frozen=True, kw_only=True):
    """When a question is taken to be asked: where the log ended, and the time."""

    position: int
    now: datetime


async def then_of(
    reader: Reader, organization_id: UUID, as_of: str, *, now: datetime
) -> Then:
    """Return the moment that a time or a position names.

    Raises:
        ApiError: ``invalid_query``, if it names none, or one that is still to come.
    """
    if as_of.isascii() and as_of.isdigit() and len(as_of) <= 18:
        end = await log_end(reader, organization_id, until=int(as_of))
        return Then(position=int(as_of), now=now if end is None else end.told_at)
    try:
        at = datetime.fromisoformat(as_of)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        message = "must be a position of the log, or an ISO 8601 time with its zone"
        raise invalid_query("as_of", message)
    if at > now:
        raise invalid_query("as_of", "must not lie in the future")
    end = await log_end(reader, organization_id, at=at)
    return Then(position=0 if end is None else end.position, now=at)


async def things_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    then: Then | None,
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
