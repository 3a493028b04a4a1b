"""The moves of creators to other projects, and the times that count in each project."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.analytics.membership import Spans
from domain.analytics.project_spans import ProjectMove, project_spans
from projections.analytics.fold.keys import CreatorKey

SpansByProject = Mapping[UUID | None, Spans]


class CreatorMove(ProjectMove, frozen=True, kw_only=True):
    """A row: a creator is in this project from a position on."""

    organization_id: UUID
    creator_id: UUID


def divided_spans(
    rows: Iterable[Sequence[Any]],
) -> Iterator[tuple[CreatorKey, SpansByProject]]:
    """Yield the creators with numbers in several projects, with their spans by project.

    The rows have the columns ``MOVE_COLUMNS``, creator by creator.
    """
    for (organization_id, creator_id, origin), some in groupby(
        rows, key=lambda row: row[:3]
    ):
        spans = project_spans(
            origin,
            (
                ProjectMove(position=row[3], project_id=row[4], stays_until=row[5])
                for row in some
            ),
        )
        if len(spans) > 1:
            yield (organization_id, creator_id), spans
