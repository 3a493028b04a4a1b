"""The videos that count, and the videos with a schedule of their own."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.video.tracking import Tracking, tracking_after
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds

_DISCOVERED = """
INSERT INTO scheduled_video AS v (organization_id, id, creator_id, is_counted, position)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bool[], %s::bigint[])
ON CONFLICT (organization_id, id) DO UPDATE SET
    creator_id = excluded.creator_id, position = excluded.position
WHERE v.position < excluded.position
"""
# From then on the video is scraped with its creator's other videos.
_HAS_A_CREATOR = """
DELETE FROM scrape_schedule s USING scheduled_video v
WHERE s.organization_id = v.organization_id AND s.subject_id = v.id
  AND s.creator_id IS NULL AND v.creator_id IS NOT NULL
  AND (s.organization_id, s.subject_id) IN (
      SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
"""
_VIDEO_ADDED = """
INSERT INTO scheduled_video AS v (organization_id, id, is_counted, position)
VALUES (%(organization)s, %(video)s, true, %(position)s)
ON CONFLICT (organization_id, id) DO UPDATE SET
    is_counted = true, position = excluded.position
WHERE v.position < excluded.position
"""
_SCHEDULE_VIDEO = """
INSERT INTO scrape_schedule AS s (organization_id, subject_id, job_type, project_id,
    tiktok_video_id, handle, last_requested_at, position)
SELECT organization_id, id, 'video_stats', %(project)s, %(tiktok_video_id)s,
    %(handle)s, %(at)s, %(position)s
FROM scheduled_video
WHERE organization_id = %(organization)s AND id = %(video)s AND creator_id IS NULL
ON CONFLICT (organization_id, subject_id, job_type) DO UPDATE SET
    is_active = true, due_at = NULL, position = excluded.position
WHERE s.position < excluded.position
"""
_COUNT = """
UPDATE scheduled_video SET is_counted = %(counts)s, position = %(position)s
WHERE organization_id = %(organization)s AND id = %(video)s AND position < %(position)s
"""
_COUNT_ALONE = """
UPDATE scrape_schedule SET is_active = %(counts)s, due_at = NULL,
    position = %(position)s
WHERE organization_id = %(organization)s AND subject_id = %(video)s
  AND creator_id IS NULL AND position < %(position)s
"""
# A creator without a counted video waits until there is one.
_WAKE = """
UPDATE scrape_schedule s SET due_at = NULL FROM scheduled_video v
WHERE (v.organization_id, v.id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
  AND v.is_counted AND s.organization_id = v.organization_id
  AND s.subject_id = v.creator_id AND s.job_type = 'video_stats'
  AND s.due_at = 'infinity'
"""


def take_in_discovered(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> None:
    """Apply many discovered videos in one statement."""
    found = {
        recorded.stream: (event, recorded.position)
        for recorded in events
        if isinstance(event := recorded.event, e.VideoDiscovered)
    }
    organizations = [event.organization_id for event, _ in found.values()]
    videos = list(found)
    cursor.execute(
        _DISCOVERED,
        (
            organizations,
            videos,
            [event.creator_id for event, _ in found.values()],
            [Tracking(event.tracking_status).is_counted for event, _ in found.values()],
            [position for _, position in found.values()],
        ),
        prepare=True,
    )
    cursor.execute(_HAS_A_CREATOR, (organizations, videos), prepare=True)
    cursor.execute(_WAKE, (organizations, videos), prepare=True)


on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.VideoAdded)
def _added(
    event: e.VideoAdded, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    about: dict[str, object] = {
        "organization": event.organization_id,
        "video": recorded.stream,
        "position": recorded.position,
        "project": event.project_id,
        "tiktok_video_id": event.tiktok_video_id,
        "handle": event.handle,
        "at": recorded.recorded_at,
    }
    cursor.execute(_VIDEO_ADDED, about, prepare=True)
    cursor.execute(_SCHEDULE_VIDEO, about, prepare=True)
    _wake(cursor, event, recorded)


@on(
    e.VideoCameIntoWindow,
    e.VideoIncluded,
    e.VideoExcluded,
    e.VideoPutBack,
    e.VideoTrackingDisabled,
    e.VideoMerged,
)
def _decided(
    event: e.VideoEvent, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    about: dict[str, object] = {
        "organization": event.organization_id,
        "video": recorded.stream,
        "position": recorded.position,
        "counts": _is_counted_after(event),
    }
    cursor.execute(_COUNT, about, prepare=True)
    cursor.execute(_COUNT_ALONE, about, prepare=True)
    _wake(cursor, event, recorded)


def _wake(
    cursor: Cursor[TupleRow], event: e.VideoEvent, recorded: RecordedEvent
) -> None:
    where = ([event.organization_id], [recorded.stream])
    cursor.execute(_WAKE, where, prepare=True)


def _is_counted_after(event: e.VideoEvent) -> bool:
    """Tell whether the video counts, which follows from these events alone."""
    tracking = tracking_after(Tracking("out_of_window"), event)
    return tracking is not None and tracking.is_counted
