"""What a part of the log tells analytics: of subjects, of videos, and what was seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.messages import Event
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.columns import Listed, ObservedCounts, observed_counts
from projections.analytics.entities import (
    Change,
    ObservedDetails,
    SubjectRow,
    details_change,
    event_change,
)
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, EntityKey, entity_key
from projections.analytics.snapshot_decoder import (
    VideoSnapshotColumns,
    as_snapshot_columns,
)
from projections.analytics.snapshots import OwnerSnapshot

_ITSELF = Listed(np.zeros(1, np.int64), 1, None)


class BatchInput:
    """Subjects as they are after it, changes of videos, and snapshots, in log order.

    ``events`` are those that changes of videos come of, by position.
    """

    def __init__(self, subjects: Iterable[SubjectRow] = ()) -> None:
        self.subjects = {row.id: row for row in subjects}
        self.changes: dict[EntityKey, list[Change]] = defaultdict(list)
        self.events: dict[int, Event] = {}
        self.snapshots: list[OwnerSnapshot] = []

    def collect(self, events: Sequence[RecordedEvent]) -> None:
        """Take in events; what the subjects were before must be known."""
        for event in events:
            self._collect_event(event)

    def _collect_event(self, recorded: RecordedEvent) -> None:
        event, position = recorded.event, recorded.position
        match event:
            case e.ProjectCreated():
                row = self._subject(recorded.stream, event.project_id)
                row = replace(row, kind="project", position=position)
                self._put(row.named(event.name, position))
            case e.ProjectDetailsChanged():
                if event.name is not UNSET:
                    row = self._subject(recorded.stream, event.project_id)
                    self._put(row.named(event.name, position))
            case e.CreatorAdded():
                row = self._subject(event.organization_id, recorded.stream)
                row = replace(
                    row, kind="creator", project_id=event.project_id, position=position
                )
                self._put(row.named(event.handle, position))
            case e.HandleChanged():
                row = self._subject(event.organization_id, recorded.stream)
                self._put(row.named(event.new, position))
            case e.ProfileSnapshotRecorded():
                self._collect_profile(recorded, event)
            case VideoSnapshotColumns():
                self._collect_videos(recorded, event)
            case e.VideoStatsSnapshotRecorded():
                self._collect_videos(recorded, as_snapshot_columns(event))
            case _:
                organization_id: UUID = getattr(event, "organization_id")  # noqa: B009
                changes = self.changes[entity_key(organization_id, recorded.stream)]
                changes.append(event_change(recorded))
                self.events[position] = event

    def _collect_profile(
        self, recorded: RecordedEvent, event: e.ProfileSnapshotRecorded
    ) -> None:
        row = self._subject(event.organization_id, event.creator_id)
        self._put(row.with_observation_at(event.observed_at))
        columns = (
            (event.follower_count,),
            (event.following_count,),
            (event.total_likes_count,),
            (event.video_count,),
        )
        observed = observed_counts(_ITSELF, columns)
        self._add_snapshot(recorded, event, PROFILES.number, event.creator_id, observed)

    def _collect_videos(
        self, recorded: RecordedEvent, event: VideoSnapshotColumns
    ) -> None:
        project_id, creator_id = event.project_id, event.creator_id
        if creator_id is not None:
            row = self._subject(event.organization_id, creator_id)
            row = row.with_observation_at(event.observed_at)
            if row.project_id is None and project_id is not None:
                row = replace(row, project_id=project_id)
            self._put(row)
        provisional_owner = creator_id or project_id
        if provisional_owner is None:
            # Whose videos these are nobody can know.
            return
        self._add_snapshot(
            recorded, event, VIDEOS.number, provisional_owner, event.observed
        )
        if project_id is not None and (event.posted_at or event.titles):
            self._collect_details(project_id, recorded.position, event)

    def _collect_details(
        self, project_id: UUID, position: int, event: VideoSnapshotColumns
    ) -> None:
        names = event.names()
        nothing = (None,) * len(names)
        details = zip(
            names,
            event.posted_at or nothing,
            event.titles or nothing,
            strict=True,
        )
        for name, posted_at, title in details:
            if posted_at is not None or title is not None:
                key = entity_key(event.organization_id, video_stream(project_id, name))
                observed = ObservedDetails(
                    observed_at=event.observed_at, posted_at=posted_at, title=title
                )
                self.changes[key].append(details_change(position, observed))

    def _add_snapshot(
        self,
        recorded: RecordedEvent,
        event: e.ProfileSnapshotRecorded | VideoSnapshotColumns,
        metric_group: int,
        provisional_owner: UUID,
        observed: ObservedCounts,
    ) -> None:
        snapshot = OwnerSnapshot(
            organization_id=event.organization_id,
            metric_group=metric_group,
            owner=provisional_owner,
            observed_at=event.observed_at,
            position=recorded.position,
            creator_id=event.creator_id,
            scrape_id=recorded.stream,
            provider=event.provider,
            recorded_at=recorded.recorded_at,
            observed=observed,
        )
        self.snapshots.append(snapshot)

    def _put(self, row: SubjectRow) -> None:
        self.subjects[row.id] = row

    def _subject(self, organization_id: UUID, subject_id: UUID) -> SubjectRow:
        return self.subjects.get(subject_id) or SubjectRow(
            organization_id=organization_id, id=subject_id
        )


# How many observations are held at once, however many a batch has.
MOST_OBSERVATIONS = 500_000


def chunks_of_log(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    """Cut a batch so that no part has many more observations than may be held."""
    chunk: list[RecordedEvent] = []
    observations = 0
    for recorded in events:
        chunk.append(recorded)
        event = recorded.event
        match event:
            case VideoSnapshotColumns():
                observations += len(event.observed)
            case e.VideoStatsSnapshotRecorded():
                observations += len(event.video_ids)
            case _:
                pass
        if observations >= MOST_OBSERVATIONS:
            yield chunk
            chunk, observations = [], 0
    if chunk:
        yield chunk


def subjects_of(recorded: RecordedEvent) -> Iterator[tuple[UUID, UUID]]:
    """Return the creators and projects whose rows an event needs."""
    event = recorded.event
    match event:
        case e.ProjectCreated() | e.ProjectDetailsChanged():
            yield recorded.stream, event.project_id
        case e.CreatorAdded() | e.HandleChanged():
            yield event.organization_id, recorded.stream
        case (
            e.ProfileSnapshotRecorded()
            | e.VideoStatsSnapshotRecorded()
            | VideoSnapshotColumns()
        ):
            if event.creator_id is not None:
                yield event.organization_id, event.creator_id
        case _:
            pass
