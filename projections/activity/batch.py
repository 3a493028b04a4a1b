"""The rows of activity, and the state that a batch of events reads and changes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.activity import ActivityKind
from domain.analytics.buckets import midnight
from domain.analytics.summaries.posting import silences
from domain.streams import activity_row, video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.table import RowBatch, Table
from projections.observed_views import ObservedViews

SubjectType = Literal["creator", "video", "campaign", "project", "organization"]
ActivityKey = tuple[UUID, UUID]


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened at ``at``, shown from that time on.

    ``position`` is that of the event that tells of it. ``data`` depends on the kind.
    """

    organization_id: UUID
    id: UUID
    kind: ActivityKind
    at: datetime
    position: int
    subject_type: SubjectType
    subject_id: UUID
    project_id: UUID | None = None
    from_project_id: UUID | None = None
    creator_id: UUID | None = None
    actor: str
    data: dict[str, Any] = {}


class ActivityOrganization(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The time zone in which campaigns begin."""

    organization_id: UUID
    time_zone: str
    position: int


class ActivityCreator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of a creator that decides what their events mean.

    ``milestones`` counts the milestones of followers that were reached, null before the
    first observation; ``observed_at`` is the time of the newest one. ``first_import``
    identifies the first import with the creator. ``position`` is that of the last event
    of the creator's own stream, ``run_position`` of the last run that ended.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID
    is_erased: bool = False
    untracked_at: datetime | None = None
    failing_kinds: list[Any] = []
    run_position: int = 0
    milestones: int | None = None
    observed_at: datetime | None = None
    first_import: UUID | None = None
    position: int


class ActivityVideo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video's creator, and the number of milestones of views that it reached."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    creator_id: UUID | None = None
    is_erased: bool = False
    milestones: int | None = None


ACTIVITY = Table(ActivityRow, name="activity")
ORGANIZATIONS = Table(
    ActivityOrganization, name="activity_organizations", key=("organization_id",)
)
CREATORS = Table(ActivityCreator, name="activity_creators")
VIDEOS = Table(ActivityVideo, name="activity_videos")

# Looking up a type is fast; isinstance with a union tries one after the other.
_OF_CREATORS = frozenset(get_args(e.CreatorEvent))
_OF_VIDEOS = frozenset(get_args(e.VideoEvent))

_OF_STARTED = (
    *(e.CampaignDetailsChanged, e.CampaignDeleted),
    *(e.CampaignTargetReached, e.CampaignTargetMissed),
)

_COLUMNS = ", ".join(ActivityRow.__struct_fields__)
_ADD = f"""
INSERT INTO activity ({_COLUMNS})
SELECT {_COLUMNS} FROM json_populate_recordset(NULL::activity, %s::json)
ON CONFLICT DO NOTHING
""".encode()
_DELETE = b"""
DELETE FROM activity a USING unnest(%b::uuid[], %b::uuid[]) AS gone (o, i)
WHERE a.organization_id = o AND a.id = i
"""
# A time of posting that is unknown tells nothing about the habit of posting.
_POSTS = b"""
SELECT a.organization_id, a.creator_id, a.at, a.position, a.project_id
FROM unnest(%b::uuid[], %b::uuid[]) AS concerned (o, c)
JOIN activity a ON a.organization_id = o AND a.creator_id = c
WHERE a.kind = 'posted' AND NOT a.data ? 'time_is_unknown'
ORDER BY a.organization_id, a.creator_id, a.at, a.position
"""
# A video that was merged may be added anew, and has rows of its own then.
_OF_MERGED = b"""
SELECT id FROM activity
WHERE organization_id = %b AND subject_id = %b AND position < %s
"""
_DELETE_SILENCES = b"""
DELETE FROM activity a USING unnest(%b::uuid[], %b::uuid[]) AS concerned (o, c)
WHERE a.organization_id = o AND a.creator_id = c AND a.kind = 'stopped_posting'
"""


class ActivityBatch:
    """The rows and the state that a batch of events reads and changes."""

    def __init__(
        self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        self._cursor = cursor
        self.organizations = RowBatch(
            ORGANIZATIONS, cursor, [(organization_of(each),) for each in events]
        )
        # A snapshot lists hundreds of videos, whose ids are computed once.
        self.listed = {
            each.position: _listed_in(each.event)
            for each in events
            if isinstance(each.event, ObservedViews | e.VideoStatsSnapshotRecorded)
        }
        videos = [
            (organization_of(each), video_id)
            for each in events
            for video_id in self.listed.get(each.position, _videos_of(each))
        ]
        self.videos = RowBatch(VIDEOS, cursor, videos)
        creators = [key for each in events if (key := _creator_of(each)) is not None]
        creators += [
            (video.organization_id, video.creator_id)
            for _, video_id in dict.fromkeys(videos)
            if (video := self.videos.get(video_id)) is not None
            and video.creator_id is not None
        ]
        self.creators = RowBatch(CREATORS, cursor, creators)
        self._starts = RowBatch(
            ACTIVITY,
            cursor,
            [
                (each.event.organization_id, start_of(each.stream))
                for each in events
                if isinstance(each.event, _OF_STARTED)
            ],
        )
        self._added: dict[UUID, ActivityRow] = {}
        self._put: dict[UUID, ActivityRow] = {}
        self._gone: dict[UUID, UUID] = {}
        self._posting: set[ActivityKey] = set()

    def add(self, row: ActivityRow) -> None:
        """Add a row; one that is there stays, as it happened in another project."""
        self._added.setdefault(row.id, row)

    def put(self, row: ActivityRow) -> None:
        """Add a row, or replace it."""
        self._put[row.id] = row

    def delete(self, organization_id: UUID, row_id: UUID) -> None:
        for rows in (self._added, self._put):
            rows.pop(row_id, None)
        self._gone[row_id] = organization_id

    def creator(
        self, organization_id: UUID, creator_id: UUID | None
    ) -> ActivityCreator | None:
        row = None if creator_id is None else self.creators.get(creator_id)
        return (
            row if row is not None and row.organization_id == organization_id else None
        )

    def start(self, campaign_id: UUID) -> ActivityRow | None:
        """Return the row of a campaign's beginning, if there is one."""
        row_id = start_of(campaign_id)
        if row_id in self._gone:
            return None
        before = self._starts.get(row_id) or self._added.get(row_id)
        return self._put.get(row_id) or before

    def judge_posting(self, organization_id: UUID, creator_id: UUID) -> None:
        """Find out at the end of the batch when the creator stopped posting."""
        self._posting.add((organization_id, creator_id))

    def begins(
        self, organization_id: UUID, first: date | None, otherwise: datetime
    ) -> datetime:
        """Return the beginning of a day in the organization's current time zone."""
        if first is None:
            return otherwise
        row = self.organizations.get(organization_id)
        return midnight(first, ZoneInfo("UTC" if row is None else row.time_zone))

    def save(self) -> None:
        """Save each changed row once, and judge the habits of posting."""
        for rows in (self.organizations, self.creators, self.videos):
            rows.save(self._cursor)
        if self._gone:
            gone = ([*self._gone.values()], [*self._gone])
            self._cursor.execute(_DELETE, gone, prepare=True)
        if self._added:
            added = msgspec.json.encode([*self._added.values()]).decode()
            self._cursor.execute(_ADD, (added,), prepare=True)
        ACTIVITY.save(self._cursor, [*self._put.values()])
        if self._posting:
            self._save_silences()

    def _save_silences(self) -> None:
        keys = sorted(self._posting)
        concerned = ([key[0] for key in keys], [key[1] for key in keys])
        posts: dict[ActivityKey, list[tuple[datetime, int, UUID | None]]] = {}
        for (
            organization_id,
            creator_id,
            at,
            position,
            project_id,
        ) in self._cursor.execute(_POSTS, concerned, prepare=True):
            of_creator = posts.setdefault((organization_id, creator_id), [])
            of_creator.append((at, position, project_id))
        self._cursor.execute(_DELETE_SILENCES, concerned, prepare=True)
        rows = [
            row
            for key, of_creator in posts.items()
            for row in self._silences(key, of_creator)
        ]
        ACTIVITY.save(self._cursor, rows)

    def _silences(
        self, key: ActivityKey, posts: Sequence[tuple[datetime, int, UUID | None]]
    ) -> Iterator[ActivityRow]:
        creator_id = key[1]
        creator = self.creator(*key)
        if creator is None or creator.is_erased:
            return
        # The last of several posts at one time tells of the silence.
        by_time = {at: (position, project) for at, position, project in posts}
        for silence in silences([at for at, _, _ in posts]):
            if creator.untracked_at is not None and silence.at > creator.untracked_at:
                continue
            position, project_id = by_time[silence.since]
            yield ActivityRow(
                organization_id=creator.organization_id,
                id=activity_row(creator_id, f"stopped/{_utc(silence.since)}"),
                kind="stopped_posting",
                at=silence.at,
                position=position,
                subject_type="creator",
                subject_id=creator_id,
                project_id=project_id,
                creator_id=creator_id,
                actor="",
                data={
                    "last_posted_at": silence.since,
                    "usual_days": round(silence.usual.total_seconds() / 86_400, 2),
                },
            )


def give_to_creator(
    cursor: Cursor[TupleRow], event: e.VideoMerged, recorded: RecordedEvent
) -> None:
    """Make the rows of a merged video those of its creator's video.

    A milestone that the creator's video passed itself stays as it is.
    """
    own = (event.organization_id, recorded.stream, recorded.position)
    ids = [(row[0],) for row in cursor.execute(_OF_MERGED, own, prepare=True)]
    keys = [(event.organization_id, row_id) for (row_id,) in ids]
    rows = ACTIVITY.load(cursor, keys).values()
    if not rows:
        return
    gone = ([key[0] for key in keys], [key[1] for key in keys])
    cursor.execute(_DELETE, gone, prepare=True)
    given = [_given(row, event) for row in rows]
    cursor.execute(_ADD, (msgspec.json.encode(given).decode(),), prepare=True)


def _given(row: ActivityRow, event: e.VideoMerged) -> ActivityRow:
    into = event.into_video_id
    row_id = row.id
    if row.kind == "milestone":
        row_id = milestone_of(into, "views", row.data["milestone"])
    return replace(row, id=row_id, subject_id=into, creator_id=event.creator_id)


def milestone_of(subject_id: UUID, metric: str, milestone: int) -> UUID:
    """Return the id of the row that says that a number was passed."""
    return activity_row(subject_id, f"{metric}/{milestone}")


def organization_of(recorded: RecordedEvent) -> UUID:
    return getattr(recorded.event, "organization_id", recorded.stream)


def start_of(campaign_id: UUID) -> UUID:
    """Return the id of the row that says that a campaign began."""
    return activity_row(campaign_id, "started")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _creator_of(recorded: RecordedEvent) -> ActivityKey | None:
    event: Any = recorded.event
    if type(event) in _OF_CREATORS:
        return event.organization_id, recorded.stream
    if isinstance(event, e.AnnotationAdded):
        return (
            (event.organization_id, event.scope_id)
            if (event.scope == "creator")
            else None
        )
    creator_id = getattr(event, "creator_id", None)
    return None if creator_id is None else (event.organization_id, creator_id)


def _videos_of(recorded: RecordedEvent) -> Sequence[UUID]:
    """Return the id of the video that an event is about, if it is about one."""
    event: Any = recorded.event
    if type(event) in _OF_VIDEOS:
        return (recorded.stream,)
    is_note = isinstance(event, e.AnnotationAdded) and event.scope == "video"
    return (event.scope_id,) if is_note else ()


def _listed_in(event: ObservedViews | e.VideoStatsSnapshotRecorded) -> Sequence[UUID]:
    """Return the ids of a snapshot's videos; without a project they have none."""
    project_id = event.project_id
    if project_id is None:
        return ()
    return [video_stream(project_id, name) for name in event.video_ids]
