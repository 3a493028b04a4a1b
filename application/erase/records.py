"""The ids of everything that belongs to a creator, as read models know them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.creator.handle_claim import claim_of
from domain.creator.handlers.erase import CreatorRecords
from domain.events import HandleChanged
from domain.streams import Names
from infra.eventstore.codec import Codec
from projections.engine.reader import ProjectionBehindError

# The read models that have data of a creator.
NEEDED = (
    *("creator_list", "videos", "scrape_runs", "annotations", "campaigns"),
    *("creator_identities", "projects"),
)
_BEHIND = """
SELECT name FROM projection WHERE name = ANY(%s) AND position < %s LIMIT 1
"""
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM goatherd_events"
_OF_THE_ACCOUNT = """
SELECT other.creator_id FROM creator_identity AS this
JOIN creator_identity AS other ON other.user_id = this.user_id
    AND other.organization_id = this.organization_id
WHERE this.creator_id = %(creator)s AND this.organization_id = %(organization)s
ORDER BY 1
"""
_DUPLICATES = """
SELECT id FROM creator_list
WHERE organization_id = %(organization)s AND duplicate_of = %(creator)s
UNION SELECT duplicate_of FROM creator_list
WHERE organization_id = %(organization)s AND id = %(creator)s
    AND duplicate_of IS NOT NULL
ORDER BY 1
"""
_USER_ID = "SELECT user_id FROM creator_identity WHERE creator_id = %(creator)s"
_HANDLE = """
SELECT tiktok_handle FROM creator_list
WHERE organization_id = %(organization)s AND id = %(creator)s AND status <> 'erased'
"""
_RENAMINGS = """
SELECT notification_id, topic, state FROM goatherd_events
WHERE originator_id = %s AND topic = 'handle_changed' ORDER BY originator_version
"""
# Single videos whose first event has only their handle.
_VIDEOS = """
SELECT v.id, v.creator_id IS NULL, v.tiktok_handle, e.notification_id FROM videos v
JOIN goatherd_events e ON e.originator_id = v.id
    AND e.originator_version = 1 AND e.topic = 'video_added'
WHERE v.organization_id = %(organization)s
AND (v.creator_id = %(creator)s
     OR v.merged_into IN (
         SELECT id FROM videos
         WHERE organization_id = %(organization)s AND creator_id = %(creator)s)
     OR v.creator_id IS NULL AND v.tiktok_handle = ANY(%(had)s))
ORDER BY v.id
"""
_PROJECTS = "SELECT id FROM projects WHERE organization_id = %s"
_CLAIMS = """
SELECT notification_id, topic, state FROM goatherd_events
WHERE originator_id = %s ORDER BY notification_id
"""
_RUNS = """
SELECT id, creator_id IS NULL, finished_at IS NULL FROM scrape_runs
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s AND finished_at IS NULL
     OR creator_id IS NULL AND tiktok_handle = ANY(%(handles)s))
ORDER BY id
"""
_NOTES = """
SELECT id FROM annotations
WHERE organization_id = %(organization)s AND kind = 'note'
AND (scope = 'creator' AND scope_id = %(creator)s
     OR scope = 'video' AND (scope_id = ANY(%(videos)s) OR scope_id IN (
         SELECT id FROM videos
         WHERE organization_id = %(organization)s AND creator_id = %(creator)s)))
ORDER BY id
"""
_MEMBERS = """
SELECT DISTINCT i.item_id FROM campaign_items i LEFT JOIN videos v
    ON v.organization_id = i.organization_id AND v.id = i.item_id
WHERE i.organization_id = %(organization)s AND i.item_type = 'video'
AND (v.creator_id = %(creator)s OR i.item_id = ANY(%(videos)s))
ORDER BY 1
"""


def head_of(cursor: Cursor[TupleRow]) -> int:
    """Return the log's end, which the read models must have reached.

    Raises:
        ProjectionBehindError: a read model has not reached it.
    """
    row = cursor.execute(_HEAD).fetchone()
    head = int(row[0]) if row else 0
    behind = cursor.execute(_BEHIND, (list(NEEDED), head)).fetchone()
    if behind is not None:
        raise ProjectionBehindError(behind[0])
    return head


def records_of(
    cursor: Cursor[TupleRow],
    codec: Codec,
    names: Names,
    *,
    organization_id: UUID,
    creator_id: UUID,
) -> list[CreatorRecords]:
    """Return the data of a creator, and of each creator of the same account.

    ``codec`` opens their former handles. A single video under such a handle is theirs,
    unless another creator of the organization had the handle when the video was added,
    or has it now.
    """
    ids = [
        *dict.fromkeys(
            [
                creator_id,
                *of_the_account(cursor, organization_id, creator_id),
                *_ids(
                    cursor,
                    _DUPLICATES,
                    {"organization": organization_id, "creator": creator_id},
                ),
            ]
        )
    ]
    claims = _Claims(cursor, codec, names, organization_id, {*ids})
    return [_of_one(cursor, codec, claims, organization_id, each) for each in ids]


def _of_one(
    cursor: Cursor[TupleRow],
    codec: Codec,
    claims: "_Claims",
    organization_id: UUID,
    creator_id: UUID,
) -> CreatorRecords:
    params: dict[str, Any] = {"organization": organization_id, "creator": creator_id}
    row = cursor.execute(_HANDLE.encode(), params).fetchone()
    handle = None if row is None else row[0]
    until = dict(_handles_until(cursor, codec, creator_id))
    params["had"] = [handle, *until]
    videos = [
        video
        for video in cursor.execute(_VIDEOS.encode(), params).fetchall()
        if not video[1]
        or video[2] == handle
        or video[3] < until[video[2]]
        or not claims.has_another(video[2], at=video[3])
    ]
    params["videos"] = [video[0] for video in videos]
    params["handles"] = [handle, *(video[2] for video in videos)]
    runs = cursor.execute(_RUNS.encode(), params).fetchall()
    return CreatorRecords(
        creator_id=creator_id,
        user_id=row[0]
        if (row := cursor.execute(_USER_ID.encode(), params).fetchone())
        else None,
        video_ids=params["videos"],
        videos_without_creator=[video[0] for video in videos if video[1]],
        scrape_ids=[run[0] for run in runs if run[1]],
        open_scrape_ids=[run[0] for run in runs if run[2]],
        annotation_ids=_ids(cursor, _NOTES, params),
        member_ids=_ids(cursor, _MEMBERS, params),
    )


def handles_of(
    cursor: Cursor[TupleRow], codec: Codec, organization_id: UUID, creator_id: UUID
) -> set[str]:
    """Return the present and all former handles of a creator that is not erased."""
    params: dict[str, Any] = {"organization": organization_id, "creator": creator_id}
    rows = cursor.execute(_HANDLE.encode(), params).fetchall()
    if not rows:
        return set()
    return {rows[0][0], *(old for old, _ in _handles_until(cursor, codec, creator_id))}


def _handles_until(
    cursor: Cursor[TupleRow], codec: Codec, creator_id: UUID
) -> list[tuple[str, int]]:
    """Return each former handle of a creator, and the position at which it ended.

    A handle that the creator had twice counts until its last end.
    """
    rows = cursor.execute(_RENAMINGS, (creator_id,)).fetchall()
    keys = codec.keys_for((body for _, _, body in rows), cursor.connection)
    return [
        (event.old, position)
        for position, name, body in rows
        if isinstance(event := codec.decode(name, body, keys), HandleChanged)
    ]


class _Claims:
    """The other creators of an organization that have or had a handle."""

    def __init__(
        self,
        cursor: Cursor[TupleRow],
        codec: Codec,
        names: Names,
        organization_id: UUID,
        own: Collection[UUID],
    ) -> None:
        self._cursor = cursor
        self._codec = codec
        self._names = names
        self._organization_id = organization_id
        self._own = own

    def has_another(self, handle: str, *, at: int) -> bool:
        """Tell whether another creator had the handle at a position, or has it now."""
        projects = self._cursor.execute(_PROJECTS, (self._organization_id,)).fetchall()
        return any(self._in_project(project, handle, at) for (project,) in projects)

    def _in_project(self, project_id: UUID, handle: str, at: int) -> bool:
        stream = self._names.claim_stream(project_id, handle)
        rows = self._cursor.execute(_CLAIMS, (stream,)).fetchall()
        keys = self._codec.keys_for(
            (body for _, _, body in rows), self._cursor.connection
        )
        history = [
            (position, self._codec.decode(name, body, keys))
            for position, name, body in rows
        ]
        then = [event for position, event in history if position < at]
        holders = {
            claim_of(events).holder for events in (then, [each for _, each in history])
        }
        return bool(holders - {None, *self._own})


def _ids(cursor: Cursor[TupleRow], query: str, params: dict[str, Any]) -> list[UUID]:
    return [row[0] for row in cursor.execute(query.encode(), params)]


def of_the_account(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> Sequence[UUID]:
    """Return the creators whose scrapes found the same account as this one's."""
    params = {"organization": organization_id, "creator": creator_id}
    return _ids(cursor, _OF_THE_ACCOUNT, params)
