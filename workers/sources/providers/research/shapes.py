"""Decodes a user and a page of videos from the API's data."""

from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
    stated_attributes,
)
from domain.scrape.verdicts import SchemaChanged
from domain.video.attributes import Sound, VideoAttributes
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.api import (
    ApiUser,
    ApiVideo,
    profile_of_user,
    video_of,
    videos_of,
)
from workers.sources.shapes.api_values import counter, numeric_id, seconds_of
from workers.sources.shapes.attributes import names_of
from workers.sources.tiktok_envelope import decode

USER_FIELDS = (
    "display_name,avatar_url,follower_count,following_count,likes_count,video_count"
)
VIDEO_FIELDS = (
    "id,video_description,create_time,view_count,like_count,comment_count,share_count,"
    "favorites_count,music_id,hashtag_names,video_mention_list,video_duration"
)


class _Video(ApiVideo, frozen=True):
    video_id: Any = None  # the name in the API of 2023
    favorites_count: Any = None
    music_id: Any = None
    hashtag_names: Any = None
    video_mention_list: Any = None
    video_duration: Any = None


class _Page(Struct, frozen=True):
    videos: tuple[_Video, ...] | None = None
    cursor: Any = None
    has_more: bool = False
    search_id: str | int | None = None


class SearchPage(Struct, frozen=True, kw_only=True):
    """Some of the videos of a search, and the cursor of the next ones.

    ``records`` is their number by TikTok's count, ``cursor`` is None on the last page,
    and ``data`` is the JSON that was read.
    """

    videos: tuple[VideoObservation, ...]
    records: int
    cursor: int | None
    search_id: str | None
    data: bytes


def profile_of(data: Raw) -> ProfileObservation:
    """Return a profile from a user; fields that cannot be read are null.

    Raises:
        RefusedError: the data is no user, or has no readable field.
    """
    profile = profile_of_user(decode(data, ApiUser))
    if profile == ProfileObservation():
        raise RefusedError(SchemaChanged("The answer has none of a user's fields."))
    return replace(profile, precision="exact")


def page_of(data: Raw, *, after: int = 0) -> SearchPage:
    """Return a page of videos; ``after`` is the cursor of the request.

    Fields that are missing or cannot be read are null. A video without a readable id is
    left out, because it cannot be identified.

    Raises:
        RefusedError: the data is no page, none of its videos has an id, or its cursor
            does not lead further.
    """
    page = decode(data, _Page)
    rows = page.videos or ()
    videos = videos_of(rows, _video_of, provider="research")
    cursor = counter(page.cursor)
    if page.has_more and (cursor is None or cursor <= after):
        raise RefusedError(SchemaChanged("There is more, and no way to get at it."))
    return SearchPage(
        videos=videos,
        records=len(rows),
        cursor=cursor if page.has_more else None,
        search_id=None if page.search_id is None else str(page.search_id),
        data=bytes(data),
    )


def _video_of(row: _Video) -> VideoObservation | None:
    video = video_of(replace(row, id=row.video_id) if row.id is None else row)
    sound_id = numeric_id(row.music_id)
    attributes = VideoAttributes(
        duration_s=seconds_of(row.video_duration),
        sound=None if sound_id is None else Sound(id=sound_id),
        hashtags=names_of(row.hashtag_names),
        mentions=names_of(row.video_mention_list),
    )
    return video and replace(
        video,
        save_count=counter(row.favorites_count),
        **stated_attributes(attributes),
    )
