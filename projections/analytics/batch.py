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
from projections.analytics.columns import Listed, Seen, seen_of
from projections.analytics.entities import Change, SubjectRow, event_change, seen_change
from projections.analytics.entities import Seen as Told
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, Key, key_of
from projections.analytics.snapshot_decoder import VideosSeen, same_seen
from projections.analytics.snapshots import Look

_ITSELF = Listed(np.zeros(1, np.int64), 1, None)


class Heard:
    """Subjects as they are after it, changes of videos, and looks, in log order.

    ``events`` are those that changes of videos come of, by position.
    """

    def __init__(self, subjects: Iterable[SubjectRow] = ()) -> None:
        self.subjects = {row.id: row for row in subjects}
        self.told: dict[Key, list[Change]] = defaultdict(list)
        self.events: dict[int, Event] = {}
        self.looks: list[Look] = []

    def hear(self, events: Sequence[RecordedEvent]) -> None:
        """Take in events; what the subjects were before must be known."""
        for event in events:
            self._hear(event)

    def _hear(self, recorded: RecordedEvent) -> None:
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
                self._see_profile(recorded, event)
            case VideosSeen():
                self._see_videos(recorded, event)
            case e.VideoStatsSnapshotRecorded():
                self._see_videos(recorded, same_seen(event))
            case _:
                organization_id: UUID = getattr(event, "organization_id")  # noqa: B009
                told = self.told[key_of(organization_id, recorded.stream)]
                told.append(event_change(recorded))
                self.events[position] = event

    def _see_profile(
        self, recorded: RecordedEvent, event: e.ProfileSnapshotRecorded
    ) -> None:
        row = self._subject(event.organization_id, event.creator_id)
        self._put(row.looked_at(event.observed_at))
        columns = (
            (event.follower_count,),
            (event.following_count,),
            (event.total_likes_count,),
            (event.video_count,),
        )
        seen = seen_of(_ITSELF, columns)
        self._look(recorded, event, PROFILES.number, event.creator_id, seen)

    def _see_videos(self, recorded: RecordedEvent, event: VideosSeen) -> None:
        project_id, creator_id = event.project_id, event.creator_id
        if creator_id is not None:
            row = self._subject(event.organization_id, creator_id)
            row = row.looked_at(event.observed_at)
            if row.project_id is None and project_id is not None:
                row = replace(row, project_id=project_id)
            self._put(row)
        keeper = creator_id or project_id
        if keeper is None:
            # Whose videos these are nobody can know.
            return
        self._look(recorded, event, VIDEOS.number, keeper, event.seen)
        if project_id is not None and (event.posted_at or event.titles):
            self._hear_details(project_id, recorded.position, event)

    def _hear_details(self, project_id: UUID, position: int, event: VideosSeen) -> None:
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
                key = key_of(event.organization_id, video_stream(project_id, name))
                told = Told(
                    observed_at=event.observed_at, posted_at=posted_at, title=title
                )
                self.told[key].append(seen_change(position, told))

    def _look(
        self,
        recorded: RecordedEvent,
        event: e.ProfileSnapshotRecorded | VideosSeen,
        family: int,
        keeper: UUID,
        seen: Seen,
    ) -> None:
        look = Look(
            organization_id=event.organization_id,
            family=family,
            owner=keeper,
            observed_at=event.observed_at,
            position=recorded.position,
            creator_id=event.creator_id,
            scrape_id=recorded.stream,
            provider=event.provider,
            recorded_at=recorded.recorded_at,
            seen=seen,
        )
        self.looks.append(look)

    def _put(self, row: SubjectRow) -> None:
        self.subjects[row.id] = row

    def _subject(self, organization_id: UUID, subject_id: UUID) -> SubjectRow:
        return self.subjects.get(subject_id) or SubjectRow(
            organization_id=organization_id, id=subject_id
        )


# How many observations are held at once, however many a batch has.
MOST_OBSERVATIONS = 500_000


def parts_of_log(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    """Cut a batch so that no part has many more observations than may be held."""
    part: list[RecordedEvent] = []
    observations = 0
    for recorded in events:
        part.append(recorded)
        event = recorded.event
        match event:
            case VideosSeen():
                observations += len(event.seen)
            case e.VideoStatsSnapshotRecorded():
                observations += len(event.video_ids)
            case _:
                pass
        if observations >= MOST_OBSERVATIONS:
            yield part
            part, observations = [], 0
    if part:
        yield part


def subjects_of(recorded: RecordedEvent) -> Iterator[tuple[UUID, UUID]]:
    """Return the creators and projects whose rows an event needs."""
    event = recorded.event
    match event:
        case e.ProjectCreated() | e.ProjectDetailsChanged():
            yield recorded.stream, event.project_id
        case e.CreatorAdded() | e.HandleChanged():
            yield event.organization_id, recorded.stream
        case (
            e.ProfileSnapshotRecorded() | e.VideoStatsSnapshotRecorded() | VideosSeen()
        ):
            if event.creator_id is not None:
                yield event.organization_id, event.creator_id
        case _:
            pass
