"""TikTok's ids of videos that runs found gone, in place of their pseudonyms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.reader import Reader

_IDS = b"""
SELECT id, tiktok_video_id FROM creator_history_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""
_PROJECTS = b"""
SELECT id, project_id FROM scrape_runs
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""


async def tiktok_ids(
    reader: Reader, organization_id: UUID, video_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Return TikTok's ids of the organization's videos among these."""
    return await _pairs(reader, organization_id, _IDS, video_ids)


async def with_tiktok_ids(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> list[RecordedEvent]:
    """Return the events; those that report missing videos have TikTok's ids.

    A pseudonym whose video is not known any more stays.
    """
    gone = {
        recorded.stream: recorded.event.missing_video_ids
        for recorded in events
        if isinstance(recorded.event, e.ScrapeSucceeded)
        and recorded.event.missing_video_ids
    }
    projects = await _pairs(reader, organization_id, _PROJECTS, list(gone))
    streams = {
        (run, name): video_stream(projects[run], name)
        for run, names in gone.items()
        if run in projects
        for name in names
    }
    known = await tiktok_ids(reader, organization_id, list(streams.values()))
    real = {key: known[id_] for key, id_ in streams.items() if id_ in known}

    def translated(recorded: RecordedEvent) -> RecordedEvent:
        event, run = recorded.event, recorded.stream
        if run not in gone or not isinstance(event, e.ScrapeSucceeded):
            return recorded
        ids = tuple([real.get((run, name), name) for name in gone[run]])
        return replace(recorded, event=replace(event, missing_video_ids=ids))

    return [translated(recorded) for recorded in events]


async def _pairs(
    reader: Reader, organization_id: UUID, query: bytes, ids: Sequence[UUID]
) -> dict[UUID, Any]:
    if not ids:
        return {}
    params = {"organization": organization_id, "ids": sorted(ids)}
    return dict(await reader.rows(organization_id, query, params))
