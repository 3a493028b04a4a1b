"""AnalyticsQuery: the series of an answer, as of now or of a position."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from api.routes.analytics.responses import Series, other, reference
from domain.analytics.buckets import Bucket, Range
from domain.analytics.metrics import Entity, Question
from domain.analytics.series import SeriesByMetric, chosen, points, total
from projections.analytics.read.breakdown import breakdown
from projections.analytics.read.explanations.explain import (
    ExplainedObservation,
    explain,
)
from projections.analytics.read.members import existing_as_of
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import (
    NamedEntity,
    named_entities,
    series_by_entity,
)
from projections.annotations.queries import Annotation, annotations_about
from projections.engine.reader import Reader


class AnalyticsQuery(Struct, frozen=True, kw_only=True):
    """One organization's questions, as of now or of a position of the log.

    The questions differ only in their metrics. ``at`` is the position up to which the
    log counts, None for the whole log.
    """

    reader: Reader
    organization_id: UUID
    questions: Sequence[Question]
    now: datetime
    at: int | None = None

    @property
    def entity(self) -> Entity:
        return self.questions[0].entity

    async def entities(self, ids: Sequence[UUID]) -> tuple[list[NamedEntity], str]:
        """Return the entities in the order of the ids, and the organization's zone.

        Entities that do not exist, or did not exist at the position, are left out.
        """
        reader, organization_id = self.reader, self.organization_id
        entity = self.entity
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
        self, ids: Sequence[UUID], days: Range | None
    ) -> dict[UUID, SeriesByMetric]:
        """Return the series that the questions need, by entity; none without days."""
        if days is None:
            return {}
        return await series_by_entity(self.reader, self._selection(ids, days.buckets()))

    def series(
        self,
        question: Question,
        entities: Sequence[NamedEntity],
        of: Mapping[UUID, SeriesByMetric],
        days: Range,
    ) -> list[Series]:
        """Return the series of one question, in the order of the entities."""
        return [
            self._series(question, self.entity, each, of[each.id], days)
            for each in entities
        ]

    async def breakdown_series(
        self, question: Question, of: UUID, whole: SeriesByMetric, days: Range
    ) -> list[Series] | None:
        """Return the breakdown of a question; none if it asks for none."""
        kind = question.breakdown
        if kind is None:
            return None
        parts = await breakdown(
            self.reader,
            self._selection([of], days.buckets(), question),
            question,
            days=days.days,
            whole=chosen(whole, question.needs),
        )
        return [
            self._series(question, kind, each.entity, each.by_metric, days)
            for each in parts
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

    async def explain(
        self, of: UUID, bucket: Bucket
    ) -> tuple[SeriesByMetric, list[ExplainedObservation]]:
        """Return the series of one bucket of one entity, with its observations."""
        (question,) = self.questions
        selection = self._selection([of], [bucket])
        by_metric = (await series_by_entity(self.reader, selection))[of]
        return by_metric, await explain(self.reader, selection, question, bucket)

    def _selection(
        self, ids: Sequence[UUID], buckets: Sequence[Bucket], *questions: Question
    ) -> Selection:
        """Return what is selected for some of the questions, or for all of them."""
        return Selection.of(
            self.organization_id,
            questions or self.questions,
            ids,
            buckets,
            at=self.at,
            at_time=None if self.at is None else self.now,
        )

    def _series(
        self,
        question: Question,
        kind: Entity,
        entity_: NamedEntity | None,
        by_metric: SeriesByMetric,
        days: Range,
    ) -> Series:
        needed = chosen(by_metric, question.needs)
        whole = total(question, needed, days=days.days)
        return Series(
            entity_ref=other(kind)
            if entity_ is None
            else reference(kind, entity_.id, entity_.label),
            points=points(question, needed, days.buckets(), now=self.now),
            total=whole.value,
            total_rounded=whole.rounded,
            total_sharpened=whole.sharpened,
        )
