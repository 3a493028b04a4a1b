"""Series for /analytics: one question about some videos, now or as of the past."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from api.http.as_of import AsOf
from api.routes.analytics.responses import Series, other, reference
from domain.analytics.buckets import Bucket, Range
from domain.analytics.metrics import Entity, Question
from domain.analytics.series import SeriesByMetric, points, total
from projections.analytics.queries.as_of import existing_as_of, series_by_entity_as_of
from projections.analytics.queries.breakdown import breakdown
from projections.analytics.queries.series import (
    NamedEntity,
    named_entities,
    series_by_entity,
)
from projections.engine.reader import Reader


async def entities_of_query(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    then: AsOf | None,
) -> tuple[list[NamedEntity], str]:
    """Return the videos in the order asked, and the organization's time zone.

    Videos that are not there, or were not then, are left out.
    """
    found, own_zone = await named_entities(reader, organization_id, entity, ids)
    there = {*found}
    if then is not None:
        there &= await existing_as_of(
            reader, organization_id, entity, ids, at=then.position
        )
    return [found[id_] for id_ in ids if id_ in there], own_zone


class AnalyticsQuery(Struct, frozen=True, kw_only=True):
    """One question, asked by one organization at one time.

    ``at`` is the position at which the log is taken to end, None for its real end.
    """

    reader: Reader
    organization_id: UUID
    question: Question
    now: datetime
    at: int | None = None

    async def series_by_entity(
        self, ids: Sequence[UUID], days: Range
    ) -> dict[UUID, SeriesByMetric]:
        """Return what the question needs of each thing."""
        return await self._series_by_entity(ids, days.buckets())

    async def by_metric(self, of: UUID, bucket: Bucket) -> SeriesByMetric:
        """Return what the question needs of one thing in one bucket."""
        return (await self._series_by_entity([of], [bucket]))[of]

    async def _series_by_entity(
        self, ids: Sequence[UUID], buckets: Sequence[Bucket]
    ) -> dict[UUID, SeriesByMetric]:
        reader, organization_id = self.reader, self.organization_id
        if self.at is not None:
            return await series_by_entity_as_of(
                reader, organization_id, self.question, ids, buckets, at=self.at
            )
        return await series_by_entity(
            reader, organization_id, self.question, ids, buckets
        )

    def series(
        self,
        entities: Sequence[NamedEntity],
        of: Mapping[UUID, SeriesByMetric],
        days: Range,
    ) -> list[Series]:
        """Return the series of the videos, in their order."""
        entity = self.question.entity
        return [
            self._series(entity, entity_, of[entity_.id], days) for entity_ in entities
        ]

    async def breakdown_series(
        self, of: UUID, whole: SeriesByMetric, days: Range
    ) -> list[Series]:
        """Return the series of the videos behind a creator or project."""
        breakdown_series = await breakdown(
            self.reader,
            self.organization_id,
            self.question,
            of,
            days.buckets(),
            whole=whole,
            at=self.at,
        )
        return [
            self._series("video", each.entity, each.by_metric, days)
            for each in breakdown_series
        ]

    def _series(
        self,
        kind: Entity,
        entity_: NamedEntity | None,
        by_metric: SeriesByMetric,
        days: Range,
    ) -> Series:
        return Series(
            entity_ref=other()
            if entity_ is None
            else reference(kind, entity_.id, entity_.label),
            points=points(self.question, by_metric, days.buckets(), now=self.now),
            total=total(self.question, by_metric, days=days.days),
        )
