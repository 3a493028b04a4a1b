"""The names of videos in the rows of summaries."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from projections.analytics.summaries.names import names_of
from projections.engine.reader import Reader
from projections.videos.queries import videos_by_id


class VideoName(Struct, frozen=True, kw_only=True):
    """A video's title, address and creator; null where they are unknown."""

    video_id: UUID
    tiktok_video_id: str
    creator_id: UUID | None
    tiktok_handle: str | None
    title: str | None
    thumbnail_url: str | None
    url: str
    posted_at: datetime | None


async def described_videos(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, VideoName]:
    """Return the names of these videos by id."""
    videos = await videos_by_id(reader, organization_id, ids)
    creators = {video.creator_id for video in videos.values() if video.creator_id}
    names = await names_of(reader, organization_id, creators)
    handles: dict[UUID | None, str] = {
        creator_id: name.tiktok_handle for creator_id, name in names.items()
    }
    return {
        id_: VideoName(
            video_id=id_,
            tiktok_video_id=video.tiktok_video_id,
            creator_id=video.creator_id,
            tiktok_handle=handles.get(video.creator_id),
            title=video.title,
            thumbnail_url=video.thumbnail_url,
            url=video.url,
            posted_at=video.posted_at,
        )
        for id_, video in videos.items()
    }
