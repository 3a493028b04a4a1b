"""The rows of the feed, and the state that a batch of events reads and changes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.table import RowBatch, Table
from projections.observed_views import ObservedViews

CHANNEL = "goatherd_feed"
"""The channel of notifications: their payload is the id of an organization."""


class FeedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A public event, without the words, which the log has."""

    organization_id: UUID
    position: int
    ordinal: int
    type: str
    at: datetime
    subject_id: UUID
    project_id: UUID | None = None
    from_project_id: UUID | None = None
    creator_id: UUID | None = None
    milestone: int | None = None
    count: int | None = None


class FeedSubject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of a creator, video or campaign.

    ``reached`` counts the milestones of a creator's followers, or of a single video's
    views; it is null before the first observation. ``observed_at`` is the time of a
    creator's newest observation, ``first_import`` identifies the first import with the
    creator. ``erased_at`` is the position of the creator's erasure. ``position`` is
    that of the last event that changed the project or the creator.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID
    creator_id: UUID | None = None
    reached: int | None = None
    observed_at: datetime | None = None
    first_import: UUID | None = None
    erased_at: int | None = None
    position: int


class FeedViews(msgspec.Struct, frozen=True, kw_only=True):
    """The milestones that a creator's videos reached, by their names in snapshots."""

    organization_id: UUID
    id: UUID
    reached: dict[str, int]


SUBJECTS = Table(FeedSubject, name="feed_subjects")
VIEWS = Table(FeedViews, name="feed_views")

# Looking up a type is fast; isinstance with a union tries one after the other.
_WITH_STATE = frozenset(
    (*get_args(e.CreatorEvent), *get_args(e.VideoEvent), *get_args(e.CampaignEvent))
)

_COLUMNS = ", ".join(FeedRow.__struct_fields__)
_ADD = f"""
INSERT INTO feed ({_COLUMNS})
SELECT {_COLUMNS} FROM json_populate_recordset(NULL::feed, %s::json)
ON CONFLICT DO NOTHING
""".encode()
_NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)".encode()


class FeedBatch:
    """The rows and the state that a batch of events reads and changes."""

    def __init__(
        self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        self._cursor = cursor
        keys = [
            (organization_of(each), each.stream)
            for each in events
            if type(each.event) in _WITH_STATE
        ]
        keys += [
            (organization_of(each), creator_id)
            for each in events
            if (creator_id := getattr(each.event, "creator_id", None)) is not None
        ]
        self._subjects = RowBatch(SUBJECTS, cursor, keys)
        creators = [
            (video.organization_id, video.creator_id)
            for _, id_ in dict.fromkeys(keys)
            if (video := self._subjects.get(id_)) is not None
            and video.creator_id is not None
        ]
        self._subjects.add(cursor, creators)
        observed = [
            (each.event.organization_id, each.event.creator_id)
            for each in events
            if isinstance(each.event, ObservedViews)
            and each.event.creator_id is not None
        ]
        self._views = RowBatch(VIEWS, cursor, observed)
        self._rows: list[FeedRow] = []

    def add(self, row: FeedRow) -> None:
        self._rows.append(row)

    def subject(self, organization_id: UUID, id_: UUID | None) -> FeedSubject | None:
        """Return the state of a thing of the organization."""
        row = None if id_ is None else self._subjects.get(id_)
        if row is None or row.organization_id != organization_id:
            return None
        return row

    def put(self, subject: FeedSubject) -> None:
        self._subjects.put(subject.id, subject)

    def load(self, organization_id: UUID, ids: Iterable[UUID]) -> None:
        """Load the state of further things, and of the creators of videos."""
        further = [id_ for id_ in ids if self._subjects.get(id_) is None]
        self._subjects.add(self._cursor, [(organization_id, id_) for id_ in further])
        creators = [
            (organization_id, video.creator_id)
            for id_ in further
            if (video := self._subjects.get(id_)) and video.creator_id is not None
        ]
        self._subjects.add(self._cursor, creators)

    def views(self, organization_id: UUID, creator_id: UUID) -> dict[str, int]:
        """Return the milestones that the creator's videos reached; do not change it."""
        if self._views.get(creator_id) is None:
            self._views.add(self._cursor, [(organization_id, creator_id)])
        row = self._views.get(creator_id)
        if row is None or row.organization_id != organization_id:
            return {}
        return row.reached

    def put_views(
        self, organization_id: UUID, creator_id: UUID, reached: dict[str, int]
    ) -> None:
        row = FeedViews(organization_id=organization_id, id=creator_id, reached=reached)
        self._views.put(creator_id, row)

    def save(self) -> None:
        """Save each changed row once, and notify readers of new events."""
        self._subjects.save(self._cursor)
        self._views.save(self._cursor)
        if not self._rows:
            return
        rows = msgspec.json.encode(self._rows).decode()
        self._cursor.execute(_ADD, (rows,), prepare=True)
        for organization_id in {row.organization_id for row in self._rows}:
            self._cursor.execute(_NOTIFY, (str(organization_id),), prepare=True)


def organization_of(recorded: RecordedEvent) -> UUID:
    event: Any = recorded.event
    return getattr(event, "organization_id", recorded.stream)
