"""The rows of annotations, and of the state that the rules of system ones need."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.annotation.decider import DETAILS
from domain.annotation.observed_times import ObservedTimes
from domain.messages import copied, set_fields
from infra.eventstore.store import RecordedEvent
from projections.engine.table import RowBatch, Table

AnnotationKind = Literal["note", "system"]


class AnnotationRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An annotation; ``actor`` is None if nobody caused it."""

    organization_id: UUID
    id: UUID
    scope: e.AnnotationScope
    scope_id: UUID
    kind: AnnotationKind
    starts_on: date
    ends_on: date
    text: str
    actor: str | None
    version: int
    position: int


class KnownOrganization(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The settings that determine the day of an event, and the length of an outage."""

    organization_id: UUID
    plan: str
    time_zone: str
    creator_profiles_hours: int | None = None
    discover_videos_hours: int | None = None
    video_stats_hours: int | None = None
    position: int


class KnownProject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The number of tracked creators of a project, and the times of its observations.

    ``observed_times`` is JSON in a loaded row.
    """

    organization_id: UUID
    id: UUID
    tracked: int = 0
    observed_times: Any = None
    position: int = 0

    @property
    def known(self) -> ObservedTimes:
        if isinstance(self.observed_times, ObservedTimes):
            return self.observed_times
        return msgspec.convert(self.observed_times or {}, ObservedTimes)


class KnownCreator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's project, and whether the creator is neither removed nor disabled."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    is_tracked: bool = True
    position: int


ANNOTATIONS = Table(AnnotationRow, name="annotations")
ORGANIZATIONS = Table(
    KnownOrganization, name="annotation_organizations", key=("organization_id",)
)
PROJECTS = Table(KnownProject, name="annotation_projects")
CREATORS = Table(KnownCreator, name="annotation_creators")

_DELETE = """
DELETE FROM annotations a
USING unnest(%b::uuid[], %b::uuid[]) AS gone (organization, annotation)
WHERE a.organization_id = organization AND a.id = annotation
"""


class AnnotationChanges:
    """The annotations that a batch of events changes, and those that it deletes."""

    def __init__(
        self, cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
    ) -> None:
        self._rows = RowBatch(ANNOTATIONS, cursor, keys)
        self._put: dict[UUID, AnnotationRow | None] = {}
        self._organizations: dict[UUID, UUID] = {}

    def fold(self, recorded: RecordedEvent) -> None:
        row = self._put.get(recorded.stream, self._rows.get(recorded.stream))
        after = fold_annotation(row, recorded)
        event: Any = recorded.event
        if after is not row:
            self._set(event.organization_id, recorded.stream, after)

    def put(self, row: AnnotationRow) -> None:
        self._set(row.organization_id, row.id, row)

    def delete(self, organization_id: UUID, annotation_id: UUID) -> None:
        self._set(organization_id, annotation_id, None)

    def save(self, cursor: Cursor[TupleRow]) -> None:
        """Save each changed row once."""
        ANNOTATIONS.save(cursor, [row for row in self._put.values() if row is not None])
        gone = [key for key, row in self._put.items() if row is None]
        if gone:
            cursor.execute(_DELETE, ([self._organizations[key] for key in gone], gone))

    def _set(
        self, organization_id: UUID, annotation_id: UUID, row: AnnotationRow | None
    ) -> None:
        self._put[annotation_id] = row
        self._organizations[annotation_id] = organization_id


def fold_annotation(
    row: AnnotationRow | None, recorded: RecordedEvent
) -> AnnotationRow | None:
    """Return the note after an event of its stream, None once it is deleted."""
    event = recorded.event
    if isinstance(event, e.AnnotationAdded):
        return row or copied(
            event,
            AnnotationRow,
            id=recorded.stream,
            kind="note",
            actor=recorded.actor,
            version=recorded.version,
            position=recorded.position,
        )
    if row is None or recorded.version <= row.version:
        return row
    if isinstance(event, e.AnnotationChanged):
        return replace(row, **set_fields(event, DETAILS), version=recorded.version)
    return None


def row_of(history: Sequence[RecordedEvent]) -> AnnotationRow | None:
    """Return the note after its history; a deleted note is returned as it was last."""
    row = None
    for recorded in history:
        after = fold_annotation(row, recorded)
        row = after or (row and replace(row, version=recorded.version))
    return row
