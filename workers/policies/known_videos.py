"""Known videos: the projection behind the policies, and what it makes due."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from infra import arrays
from infra.eventstore.store import Recorded
from projections.engine.table import Table
from workers.policies import work_queue
from workers.policies.known_video import (
    KnownVideo,
    after_absence,
    after_fact,
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
    """Keeps known_video, and adds to video_due what its facts ask the policies for.

    A row of video_due is therefore seen only with everything before it taken in.
    """

    name = "known_videos"
    version = 1
    facts = frozenset(
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

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Take the facts in one by one, and save each video once."""
        batch = _Batch(cursor, facts)
        for recorded in facts:
            batch.take_in(recorded)
        batch.save(cursor)


class _Batch:
    """The videos that a batch of facts is about, by stream, as they change."""

    def __init__(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        self._streams: dict[UUID, dict[str, UUID]] = {}
        self._projects = _projects(cursor, facts)
        self._before = KNOWN_VIDEO.load(
            cursor, dict.fromkeys(key for fact in facts for key in self._keys(fact))
        )
        self._after: dict[UUID, KnownVideo] = dict(self._before)
        self._due: list[Due] = []

    def take_in(self, recorded: Recorded) -> None:
        fact = recorded.fact
        match fact:
            case e.VideoStatsSnapshotRecorded():
                self._look(recorded, fact)
            case e.ScrapeSucceeded():
                self._absences(recorded, fact)
            case e.TrackingWindowChanged() | e.CreatorReactivated():
                self._window(recorded, fact.organization_id, recorded.stream)
            case e.OrganizationSettingsChanged():
                if fact.time_zone is not UNSET:
                    # Its days begin elsewhere now, and with them every window.
                    self._window(recorded, recorded.stream, None)
            case _:
                row = after_fact(self._after.get(recorded.stream), recorded)
                if row is not None:
                    self._after[recorded.stream] = row

    def save(self, cursor: Cursor[TupleRow]) -> None:
        changed = [
            row for key, row in self._after.items() if row is not self._before.get(key)
        ]
        KNOWN_VIDEO.save(cursor, changed)
        work_queue.add(cursor, self._due)

    def _keys(self, recorded: Recorded) -> Iterator[tuple[UUID, UUID]]:
        fact = recorded.fact
        match fact:
            case e.VideoStatsSnapshotRecorded(project_id=project_id):
                if project_id is not None:
                    for stream in self._streams_of(project_id, fact.video_ids):
                        yield fact.organization_id, stream
            case e.ScrapeSucceeded():
                for stream in self._gone(recorded, fact):
                    yield fact.organization_id, stream
            case (
                e.VideoDiscovered()
                | e.VideoAdded()
                | e.VideoCameIntoWindow()
                | e.VideoIncluded()
                | e.VideoExcluded()
                | e.VideoPutBack()
                | e.VideoTrackingDisabled()
            ):
                yield fact.organization_id, recorded.stream
            case _:
                pass

    def _look(self, recorded: Recorded, fact: e.VideoStatsSnapshotRecorded) -> None:
        if fact.project_id is None:
            return
        nothing = (None,) * len(fact.video_ids)
        seen = zip(
            self._streams_of(fact.project_id, fact.video_ids),
            fact.kinds or nothing,
            fact.titles or nothing,
            fact.posted_at or nothing,
            strict=True,
        )
        has_news = False
        for stream, kind, title, posted_at in seen:
            row = self._after.get(stream)
            if row is not None:
                self._after[stream] = after_look(
                    row,
                    recorded.position,
                    fact.observed_at,
                    kind=kind,
                    title=title,
                    posted_at=posted_at,
                )
            if row is None or row.creator_id is None:
                has_news = True
        if has_news and fact.creator_id is not None:
            self._due.append(
                Due(
                    position=recorded.position,
                    subject=recorded.stream,
                    kind="listed",
                    organization_id=fact.organization_id,
                    project_id=fact.project_id,
                    creator_id=fact.creator_id,
                    correlation_id=recorded.correlation_id,
                )
            )

    def _absences(self, recorded: Recorded, fact: e.ScrapeSucceeded) -> None:
        for stream in self._gone(recorded, fact):
            row = self._after.get(stream)
            if row is None:
                continue
            after = after_absence(
                row, recorded.position, fact.observed_at, recorded.stream
            )
            self._after[stream] = after
            if after.missing_confirmed and not row.missing_confirmed:
                self._due.append(
                    Due(
                        position=recorded.position,
                        subject=stream,
                        kind="missing",
                        organization_id=fact.organization_id,
                        creator_id=row.creator_id,
                        correlation_id=recorded.correlation_id,
                        missing_since=after.missing_since,
                        scrape_id=recorded.stream,
                    )
                )

    def _window(
        self, recorded: Recorded, organization_id: UUID, creator_id: UUID | None
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

    def _gone(self, recorded: Recorded, fact: e.ScrapeSucceeded) -> list[UUID]:
        project_id = self._projects.get(recorded.stream)
        if project_id is None:
            return []
        return self._streams_of(project_id, fact.missing_video_ids)

    def _streams_of(self, project_id: UUID, video_ids: Sequence[str]) -> list[UUID]:
        # An import sees the same few thousand videos a hundred times.
        known = self._streams.setdefault(project_id, {})
        for video_id in video_ids:
            if video_id not in known:
                known[video_id] = video_stream(project_id, video_id)
        return [known[video_id] for video_id in video_ids]


def _projects(cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> dict[UUID, UUID]:
    """Return the project of each run that found videos gone."""
    runs = [
        recorded.stream
        for recorded in facts
        if isinstance(recorded.fact, e.ScrapeSucceeded)
        and recorded.fact.missing_video_ids
    ]
    if not runs:
        return {}
    rows = cursor.execute(_PROJECTS, (arrays.uuids(runs),), prepare=True)
    return dict(rows.fetchall())
