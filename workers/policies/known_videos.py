"""Known videos: the projection behind the policies, and what it makes due."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from infra import arrays
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table
from workers.policies import work_queue
from workers.policies.known_video import (
    KnownVideo,
    after_absence,
    after_event,
    after_look,
)
from workers.policies.work_queue import Due

KNOWN_VIDEO = Table(KnownVideo, name="known_video")

# scrape_succeeded does not say of which project the run was.
_PROJECTS = """
SELECT originator_id, (convert_from(state, 'UTF8')::jsonb ->> 'project_id')::uuid
FROM goatherd_events WHERE originator_id = ANY(%b::uuid[]) AND originator_version = 1
AND topic = 'scrape_requested'
"""


class KnownVideos:
    """Keeps known_video, and adds to video_due what its events ask the policies for.

    A row of video_due is therefore seen only with everything before it taken in.
    """

    name = "known_videos"
    version = 1
    events = frozenset(
        {
            "video_discovered",
            "video_added",
            "video_came_into_window",
            "video_included",
            "video_excluded",
            "video_put_back",
            "video_tracking_disabled",
            "video_stats_snapshot_recorded",
            "scrape_succeeded",
            "tracking_window_changed",
            "creator_reactivated",
            "organization_settings_changed",
        }
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Take the events in one by one, and save each video once."""
        batch = _Batch(cursor, events)
        for recorded in events:
            batch.take_in(recorded)
        batch.save(cursor)


class _Batch:
    """The videos that a batch of events is about, by stream, as they change."""

    def __init__(
        self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        self._streams: dict[UUID, dict[str, UUID]] = {}
        self._projects = _projects(cursor, events)
        self._before = KNOWN_VIDEO.load(
            cursor, dict.fromkeys(key for event in events for key in self._keys(event))
        )
        self._after: dict[UUID, KnownVideo] = dict(self._before)
        self._due: list[Due] = []

    def take_in(self, recorded: RecordedEvent) -> None:
        event = recorded.event
        match event:
            case e.VideoStatsSnapshotRecorded():
                self._look(recorded, event)
            case e.ScrapeSucceeded():
                self._absences(recorded, event)
            case e.TrackingWindowChanged() | e.CreatorReactivated():
                self._window(recorded, event.organization_id, recorded.stream)
            case e.OrganizationSettingsChanged():
                if event.time_zone is not UNSET:
                    # Its days begin elsewhere now, and with them every window.
                    self._window(recorded, recorded.stream, None)
            case _:
                row = after_event(self._after.get(recorded.stream), recorded)
                if row is not None:
                    self._after[recorded.stream] = row

    def save(self, cursor: Cursor[TupleRow]) -> None:
        changed = [
            row for key, row in self._after.items() if row is not self._before.get(key)
        ]
        KNOWN_VIDEO.save(cursor, changed)
        work_queue.add(cursor, self._due)

    def _keys(self, recorded: RecordedEvent) -> Iterator[tuple[UUID, UUID]]:
        event = recorded.event
        match event:
            case e.VideoStatsSnapshotRecorded(project_id=project_id):
                if project_id is not None:
                    for stream in self._streams_of(project_id, event.video_ids):
                        yield event.organization_id, stream
            case e.ScrapeSucceeded():
                for stream in self._gone(recorded, event):
                    yield event.organization_id, stream
            case (
                e.VideoDiscovered()
                | e.VideoAdded()
                | e.VideoCameIntoWindow()
                | e.VideoIncluded()
                | e.VideoExcluded()
                | e.VideoPutBack()
                | e.VideoTrackingDisabled()
            ):
                yield event.organization_id, recorded.stream
            case _:
                pass

    def _look(
        self, recorded: RecordedEvent, event: e.VideoStatsSnapshotRecorded
    ) -> None:
        if event.project_id is None:
            return
        nothing = (None,) * len(event.video_ids)
        seen = zip(
            self._streams_of(event.project_id, event.video_ids),
            event.kinds or nothing,
            event.titles or nothing,
            event.posted_at or nothing,
            strict=True,
        )
        has_news = False
        for stream, kind, title, posted_at in seen:
            row = self._after.get(stream)
            if row is not None:
                self._after[stream] = after_look(
                    row,
                    recorded.position,
                    event.observed_at,
                    kind=kind,
                    title=title,
                    posted_at=posted_at,
                )
            if row is None or row.creator_id is None:
                has_news = True
        if has_news and event.creator_id is not None:
            self._due.append(
                Due(
                    position=recorded.position,
                    subject=recorded.stream,
                    kind="listed",
                    organization_id=event.organization_id,
                    project_id=event.project_id,
                    creator_id=event.creator_id,
                    correlation_id=recorded.correlation_id,
                )
            )

    def _absences(self, recorded: RecordedEvent, event: e.ScrapeSucceeded) -> None:
        for stream in self._gone(recorded, event):
            row = self._after.get(stream)
            if row is None:
                continue
            after = after_absence(
                row, recorded.position, event.observed_at, recorded.stream
            )
            self._after[stream] = after
            if after.missing_confirmed and not row.missing_confirmed:
                self._due.append(
                    Due(
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

    def _window(
        self, recorded: RecordedEvent, organization_id: UUID, creator_id: UUID | None
    ) -> None:
        self._due.append(
            Due(
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
        # An import sees the same few thousand videos a hundred times.
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
