"""The rows that a batch of events reads and changes, and the annotations it makes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.annotation.observed_times import Gap, longest_gap
from domain.phrases import counted, joined
from domain.streams import system_annotation
from infra.eventstore.store import RecordedEvent
from projections.annotations.rows import (
    CREATORS,
    ORGANIZATIONS,
    PROJECTS,
    AnnotationChanges,
    AnnotationRow,
    KnownCreator,
    KnownProject,
)
from projections.engine.table import RowBatch


class AnnotationBatch:
    """The rows that a batch of events reads and changes."""

    def __init__(
        self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        keys = [(organization_of(each),) for each in events]
        self.organizations = RowBatch(ORGANIZATIONS, cursor, keys)
        creators = [key for each in events if (key := _creator_of(each)) is not None]
        self.creators = RowBatch(CREATORS, cursor, creators)
        projects = [
            (row.organization_id, row.project_id)
            for _, creator_id in creators
            if (row := self.creators.get(creator_id)) is not None
        ]
        projects += [
            (each.event.organization_id, each.event.project_id)
            for each in events
            if isinstance(each.event, e.CreatorAdded)
        ]
        projects += [
            (each.event.organization_id, each.event.new_project_id)
            for each in events
            if isinstance(each.event, e.CreatorMoved)
        ]
        self.projects = RowBatch(PROJECTS, cursor, projects)
        self.annotations = AnnotationChanges(
            cursor,
            [
                (organization_of(each), each.stream)
                for each in events
                if isinstance(each.event, e.AnnotationEvent)
            ],
        )

    def save(self, cursor: Cursor[TupleRow]) -> None:
        for rows in (self.organizations, self.creators, self.projects):
            rows.save(cursor)
        self.annotations.save(cursor)

    def day(self, organization_id: UUID, at: datetime) -> date:
        """Return the day of an instant in the organization's current time zone."""
        row = self.organizations.get(organization_id)
        return at.astimezone(UTC if row is None else ZoneInfo(row.time_zone)).date()

    def longest_gap(self, organization_id: UUID) -> timedelta:
        """Return the longest time without an observation that is no outage."""
        row = self.organizations.get(organization_id)
        if row is None:
            return longest_gap("", {})
        return longest_gap(
            row.plan,
            {
                "creator_profiles": row.creator_profiles_hours,
                "discover_videos": row.discover_videos_hours,
                "video_stats": row.video_stats_hours,
            },
        )

    def count_tracked(
        self, creator: KnownCreator, *, change: int, position: int
    ) -> None:
        """Count the tracked creators; observations begin anew with the first one."""
        row = self.projects.get(creator.project_id) or KnownProject(
            organization_id=creator.organization_id, id=creator.project_id
        )
        known = row.known
        self.projects.put(
            row.id,
            replace(
                row,
                tracked=row.tracked + change,
                observed_times=known
                if row.tracked
                else replace(known, is_resuming=True),
                position=position,
            ),
        )

    def change_gaps(
        self, row: KnownProject, before: Sequence[Gap], after: Sequence[Gap], at: int
    ) -> None:
        """Replace the annotations of a project's gaps; ``at`` is the position."""
        organization_id, project_id = row.organization_id, row.id
        for gap in {*before} - {*after}:
            self.annotations.delete(organization_id, _outage(project_id, gap))
        for gap in {*after} - {*before}:
            outage = AnnotationRow(
                organization_id=organization_id,
                id=_outage(project_id, gap),
                scope="project",
                scope_id=project_id,
                kind="system",
                starts_on=self.day(organization_id, gap.start),
                ends_on=self.day(organization_id, gap.end),
                text=f"No creator was observed for {_long(gap)}",
                actor=None,
                version=1,
                position=at,
            )
            self.annotations.put(outage)


def system_row(
    recorded: RecordedEvent,
    scope: e.AnnotationScope,
    scope_id: UUID,
    *,
    text: str,
    day: date,
    what: str | None = None,
    **changes: str | None,
) -> AnnotationRow:
    """Return the annotation of one day that an event makes.

    Without ``what``, the annotation has an id of its own; with ``what``, it replaces
    the earlier annotation of that name.
    """
    of = str(recorded.version) if what is None else what
    row = AnnotationRow(
        organization_id=organization_of(recorded),
        id=system_annotation(recorded.stream, of),
        scope=scope,
        scope_id=scope_id,
        kind="system",
        starts_on=day,
        ends_on=day,
        text=text,
        actor=recorded.actor,
        version=1,
        position=recorded.position,
    )
    return replace(row, **changes) if changes else row


def organization_of(recorded: RecordedEvent) -> UUID:
    return getattr(recorded.event, "organization_id", recorded.stream)


def _creator_of(recorded: RecordedEvent) -> tuple[UUID, UUID] | None:
    event = recorded.event
    if isinstance(event, e.CreatorEvent):
        return event.organization_id, recorded.stream
    if isinstance(event, e.ScrapeSucceeded) and event.creator_id is not None:
        return event.organization_id, event.creator_id
    return None


def _outage(project_id: UUID, gap: Gap) -> UUID:
    since = gap.start.astimezone(UTC).isoformat()
    return system_annotation(project_id, f"outage/{since}")


def _long(gap: Gap) -> str:
    hours = round((gap.end - gap.start).total_seconds() / 3600)
    parts = zip(divmod(hours, 24), ("day", "hour"), strict=True)
    return joined([counted(amount, noun) for amount, noun in parts if amount])
