"""AnalyticsQuery: the series of an answer, as of now or of a position."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from api.routes.analytics.responses import Series, other, reference
from domain.analytics.buckets import Bucket, Range
from domain.analytics.metrics import Entity, Question
from domain.analytics.series import SeriesByMetric, points, total
from projections.analytics.read.as_of import existing_as_of, series_by_entity_as_of
from projections.analytics.read.breakdown import breakdown
from projections.analytics.read.explain import ExplainedObservation, explain
from projections.analytics.read.series import (
    NamedEntity,
    named_entities,
    series_by_entity,
)
from projections.annotations.queries import Annotation, annotations_about
from projections.engine.reader import Reader


class AnalyticsQuery(Struct, frozen=True, kw_only=True):
    """The series of one organization, as of now or of a position of the log.

    ``at`` is the position up to which the log counts, None for the whole log.
    """

    reader: Reader
    organization_id: UUID
    question: Question
    now: datetime
    at: int | None = None

    async def entities(self, ids: Sequence[UUID]) -> tuple[list[NamedEntity], str]:
        """Return the entities in the order of the ids, and the organization's zone.

        Entities that do not exist, or did not exist at the position, are left out.
        """
        reader, organization_id = self.reader, self.organization_id
        entity = self.question.entity
        found, own_zone = await named_entities(
            reader, organization_id, entity, ids, at=self.at
        )
        existing = {*found}
        if self.at is not None:
            existing &= await existing_as_of(
                reader, organization_id, entity, ids, at=self.at
            )
        return [found[id_] for id_ in ids if id_ in existing], own_zone

    async def series_by_entity(
        self, ids: Sequence[UUID], days: Range
    ) -> dict[UUID, SeriesByMetric]:
        return await self._series_by_entity(ids, days.buckets())

    async def by_metric(self, of: UUID, bucket: Bucket) -> SeriesByMetric:
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
        entity = self.question.entity
        return [
            self._series(entity, entity_, of[entity_.id], days) for entity_ in entities
        ]

    async def breakdown_series(
        self, of: UUID, whole: SeriesByMetric, days: Range
    ) -> list[Series] | None:
        """Return the breakdown of the request; none if it asks for none."""
        kind = self.question.breakdown
        if kind is None:
            return None
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
            self._series(kind, each.entity, each.by_metric, days)
            for each in breakdown_series
        ]

    async def annotations(self, ids: Sequence[UUID], days: Range) -> list[Annotation]:
        """Return the annotations on these days that concern the entities."""
        return await annotations_about(
            self.reader,
            self.organization_id,
            ids,
            first=days.first,
            last=days.last,
            at=self.at,
        )

    async def explain(self, of: UUID, bucket: Bucket) -> list[ExplainedObservation]:
        return await explain(
            self.reader, self.organization_id, self.question, of, bucket, at=self.at
        )

    def _series(
        self,
        kind: Entity,
        entity_: NamedEntity | None,
        by_metric: SeriesByMetric,
        days: Range,
    ) -> Series:
        whole = total(self.question, by_metric, days=days.days)
        return Series(
            entity_ref=other(kind)
            if entity_ is None
            else reference(kind, entity_.id, entity_.label),
            points=points(self.question, by_metric, days.buckets(), now=self.now),
            total=whole.value,
            total_rounded=whole.rounded,
            total_sharpened=whole.sharpened,
        )
