"""Times of posting in a history's snapshots that differ from the first known ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.reader import Reader

# Videos of an erased person are left out.
_POSTED = b"""
SELECT v.id, coalesce(v.posted_at, f.posted_at) FROM videos v
LEFT JOIN video_figures f ON f.organization_id = v.organization_id AND f.id = v.id
WHERE v.organization_id = %(organization)s AND v.id = ANY(%(ids)s)
AND coalesce(v.posted_at, f.posted_at) IS NOT NULL AND v.tiktok_video_id <> 'erased'
"""


async def first_known_times(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> dict[UUID, datetime]:
    """Return the first known time of posting of each video with one in the events."""
    ids = {id_ for recorded in events for id_ in _said(recorded.event)}
    if not ids:
        return {}
    params = {"organization": organization_id, "ids": sorted(ids)}
    return dict(await reader.rows(organization_id, _POSTED, params))


def other_posting_times(
    event: e.Event, first_known: Mapping[UUID, datetime]
) -> list[dict[str, Any]]:
    """Return the times of posting in a snapshot that differ from the first known."""
    return [
        {"video_id": id_, "posted_at": said, "first_known": first}
        for id_, said in _said(event).items()
        if (first := first_known.get(id_, said)) != said
    ]


def _said(event: e.Event) -> dict[UUID, datetime]:
    if not isinstance(event, e.VideoStatsSnapshotRecorded) or event.project_id is None:
        return {}
    return {
        video_stream(event.project_id, name): said
        for name, said in zip(event.video_ids, event.posted_at, strict=False)
        if said is not None
    }
