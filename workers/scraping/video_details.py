"""Leaves out the details of videos that are known already."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import commands as c
from domain.scrape.decider import columns_of, named
from domain.streams import Names, video_stream
from domain.video.attributes import values_of
from domain.video.url import picture_path
from infra import arrays
from infra.database import Pool, run_read
from infra.eventstore.store import Store
from workers.policies.known_video import digest_of, new_attributes

_KNOWN = """
SELECT id, kind, title_digest, posted_at, thumbnail_digest, attribute_digests
FROM known_video
WHERE organization_id = %s AND id = ANY(%b::uuid[])
  AND (creator_id IS NOT NULL OR %s::uuid IS NULL)
"""
_COUNTED = """
SELECT tiktok_video_id, posted_at, missing_confirmed FROM known_video
WHERE organization_id = %s AND creator_id = %s AND tracking_enabled
  AND tracking_status IN ('auto_tracked', 'included', 'direct_add')
ORDER BY random()
"""


class CountedVideo(Struct, frozen=True):
    """A video that counts; ``is_gone`` says that two runs found it gone."""

    tiktok_video_id: str
    posted_at: datetime | None
    is_gone: bool


def counted_videos(
    pool: Pool, organization_id: UUID, creator_id: UUID
) -> tuple[CountedVideo, ...]:
    """Return a creator's counted videos that the policies know.

    They are in random order, so that a provider without time for all of them reads
    others in each run, and leaves none out forever.
    """
    rows = run_read(
        pool,
        lambda connection: connection.execute(
            _COUNTED, (organization_id, creator_id)
        ).fetchall(),
    )
    return tuple(CountedVideo(*row) for row in rows)


def only_news(
    store: Store,
    videos: Iterable[c.VideoSnapshot],
    *,
    names: Names,
    organization_id: UUID,
    project_id: UUID,
    creator_id: UUID | None,
) -> c.NamedVideos:
    """Leave out the known details of each video, and videos that are listed twice.

    Videos go by the pseudonyms that ``names`` has for them in the project.

    Otherwise the log would get five hundred titles twice a day. A video that the
    project does not know yet as the creator's keeps all details, because its discovery
    needs them.
    """
    observed: dict[UUID, c.VideoSnapshot] = {}
    for video in videos:
        # A pinned video may be listed twice; its first entry counts.
        name = names.pseudonym(video.tiktok_video_id)
        observed.setdefault(video_stream(project_id, name), video)
    if not observed:
        return c.NamedVideos()
    known: set[UUID] = set()
    parameters = (organization_id, arrays.uuids(list(observed)), creator_id)
    rows: Sequence[tuple[UUID, object, object, object, object, Any]] = run_read(
        store.pool,
        lambda connection: (
            connection.cursor(binary=True)
            .execute(_KNOWN, parameters, prepare=True)
            .fetchall()
        ),
    )
    for stream, kind, title_digest, posted_at, thumbnail_digest, digests in rows:
        known.add(stream)
        video = observed[stream]
        observed[stream] = replace(
            video,
            kind=None if video.kind == kind else video.kind,
            title=None if digest_of(video.title) == title_digest else video.title,
            posted_at=None if video.posted_at == posted_at else video.posted_at,
            thumbnail_url=None
            if digest_of(picture_path(video.thumbnail_url)) == thumbnail_digest
            else video.thumbnail_url,
            **values_of(new_attributes(video.attributes, digests)),
        )
    return named(
        columns_of(list(observed.values())),
        names,
        is_known=[stream in known for stream in observed],
    )
