"""Known videos: the projection that the policies use, and the tasks it creates."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from infra import arrays
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import ERASURE_EVENTS, cut_at_erasures
from projections.engine.folds import Folds
from projections.engine.table import RowBatch, Table
from workers.policies import work_queue
from workers.policies.known_video import (
    KnownVideo,
    after_absence,
    after_event,
    after_observation,
)
from workers.policies.work_queue import PolicyTask

KNOWN_VIDEO = Table(KnownVideo, name="known_video")

# scrape_succeeded does not have the project of the run.
_PROJECTS = """
SELECT originator_id, (convert_from(state, 'UTF8')::jsonb ->> 'project_id')::uuid
FROM goatherd_events WHERE originator_id = ANY(%b::uuid[]) AND originator_version = 1
AND topic = 'scrape_requested'
"""


class _VideoBatch:
    """The videos of a batch of events, as the events change them."""

    def __init__(
        self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        self._streams: dict[UUID, dict[str, UUID]] = {}
        self._projects = _projects(cursor, events)
        self._rows = RowBatch(
            KNOWN_VIDEO, cursor, (key for event in events for key in self._keys(event))
        )
        self._due: list[PolicyTask] = []

    def save(self, cursor: Cursor[TupleRow]) -> None:
        self._rows.save(cursor)
        work_queue.add(cursor, self._due)

    def take_in_own(self, recorded: RecordedEvent) -> None:
        video_id = recorded.stream
        self._rows.put(video_id, after_event(self._rows.get(video_id), recorded))

    def _keys(self, recorded: RecordedEvent) -> Iterator[tuple[UUID, UUID]]:
        event = recorded.event
        if isinstance(event, e.VideoStatsSnapshotRecorded):
            if event.project_id is not None:
                for stream in self._streams_of(event.project_id, event.video_ids):
                    yield event.organization_id, stream
        elif isinstance(event, e.ScrapeSucceeded):
            for stream in self._gone(recorded, event):
                yield event.organization_id, stream
        elif isinstance(event, e.VideoEvent):
            yield event.organization_id, recorded.stream

    def take_in_snapshot(
        self, event: e.VideoStatsSnapshotRecorded, recorded: RecordedEvent
    ) -> None:
        if event.project_id is None:
            return
        streams = self._streams_of(event.project_id, event.video_ids)
        has_news = False
        for stream, (kind, title, posted_at, thumbnail_url, attributes) in zip(
            streams, event.details(), strict=True
        ):
            row = self._rows.get(stream)
            if row is not None:
                after = after_observation(
                    row,
                    recorded.position,
                    event.observed_at,
                    kind=kind,
                    title=title,
                    posted_at=posted_at,
                    thumbnail_url=thumbnail_url,
                    attributes=attributes,
                )
                self._rows.put(stream, after)
            if row is None or row.creator_id is None:
                has_news = True
        if has_news and event.creator_id is not None:
            self._due.append(
                PolicyTask(
                    position=recorded.position,
                    subject=recorded.stream,
                    kind="listed",
                    organization_id=event.organization_id,
                    project_id=event.project_id,
                    creator_id=event.creator_id,
                    correlation_id=recorded.correlation_id,
                )
            )

    def take_in_absences(
        self, event: e.ScrapeSucceeded, recorded: RecordedEvent
    ) -> None:
        for stream in self._gone(recorded, event):
            row = self._rows.get(stream)
            if row is None:
                continue
            after = after_absence(
                row, recorded.position, event.observed_at, recorded.stream
            )
            self._rows.put(stream, after)
            if after.missing_confirmed and not row.missing_confirmed:
                self._due.append(
                    PolicyTask(
                        position=recorded.position,
                        subject=stream,
                        kind="missing",
                        organization_id=event.organization_id,
                        creator_id=row.creator_id,
                        correlation_id=recorded.correlation_id,
                        missing_since=after.missing_since,
                        scrape_id=recorded.stream,
                    )
                )

    def window_moved(
        self, recorded: RecordedEvent, organization_id: UUID, creator_id: UUID | None
    ) -> None:
        self._due.append(
            PolicyTask(
                position=recorded.position,
                subject=recorded.stream,
                kind="window",
                organization_id=organization_id,
                creator_id=creator_id,
                correlation_id=recorded.correlation_id,
            )
        )

    def _gone(self, recorded: RecordedEvent, event: e.ScrapeSucceeded) -> list[UUID]:
        project_id = self._projects.get(recorded.stream)
        if project_id is None:
            return []
        return self._streams_of(project_id, event.missing_video_ids)

    def _streams_of(self, project_id: UUID, video_ids: Sequence[str]) -> list[UUID]:
        # An import has the same few thousand videos a hundred times.
        known = self._streams.setdefault(project_id, {})
        for video_id in video_ids:
            if video_id not in known:
                known[video_id] = video_stream(project_id, video_id)
        return [known[video_id] for video_id in video_ids]


def _projects(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> dict[UUID, UUID]:
    """Return the project of each run that found videos gone."""
    runs = [
        recorded.stream
        for recorded in events
        if isinstance(recorded.event, e.ScrapeSucceeded)
        and recorded.event.missing_video_ids
    ]
    if not runs:
        return {}
    rows = cursor.execute(_PROJECTS, (arrays.uuids(runs),), prepare=True)
    return dict(rows.fetchall())


_FORGET = (
    """
    DELETE FROM known_video WHERE organization_id = %(organization)s
    AND (creator_id = %(creator)s OR id = ANY(%(videos)s))
    """,
    """
    DELETE FROM policy_task WHERE organization_id = %(organization)s
    AND (creator_id = %(creator)s OR subject = ANY(%(videos)s))
    """,
)

on = Folds[[RecordedEvent, _VideoBatch], None]()


@on(
    e.VideoDiscovered,
    e.VideoAdded,
    e.VideoCameIntoWindow,
    e.VideoIncluded,
    e.VideoExcluded,
    e.VideoPutBack,
    e.VideoTrackingDisabled,
    e.VideoMerged,
)
def _own_event(_: e.VideoEvent, recorded: RecordedEvent, batch: _VideoBatch) -> None:
    batch.take_in_own(recorded)


@on(e.VideoStatsSnapshotRecorded)
def _snapshot(
    event: e.VideoStatsSnapshotRecorded, recorded: RecordedEvent, batch: _VideoBatch
) -> None:
    batch.take_in_snapshot(event, recorded)


@on(e.ScrapeSucceeded)
def _scraped(
    event: e.ScrapeSucceeded, recorded: RecordedEvent, batch: _VideoBatch
) -> None:
    batch.take_in_absences(event, recorded)


@on(e.TrackingWindowChanged, e.CreatorReactivated)
def _window_changed(
    event: e.TrackingWindowChanged | e.CreatorReactivated,
    recorded: RecordedEvent,
    batch: _VideoBatch,
) -> None:
    batch.window_moved(recorded, event.organization_id, recorded.stream)


@on(e.OrganizationSettingsChanged)
def _settings_changed(
    event: e.OrganizationSettingsChanged, recorded: RecordedEvent, batch: _VideoBatch
) -> None:
    if event.time_zone is not UNSET:
        # The organization's days begin at another time now, and so do all tracking
        # windows.
        batch.window_moved(recorded, recorded.stream, None)


class KnownVideos:
    """Writes known_video, and adds the tasks that follow from events to policy_task.

    A row of policy_task becomes visible after everything before it is applied.
    """

    name = "known_videos"
    version = 1
    events = on.events | ERASURE_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply the events one by one, and save each video once."""
        for part, erasure in cut_at_erasures(events):
            batch = _VideoBatch(cursor, part)
            for recorded in part:
                on.fold(recorded.event, recorded, batch)
            batch.save(cursor)
            if erasure is not None:
                erasure.execute(cursor, *_FORGET)
