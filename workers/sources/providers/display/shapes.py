"""Decodes a user and a page of videos from the Display API's data."""

from collections.abc import Collection
from typing import Any

from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from domain.connection.consent import BASIC, PROFILE, STATS
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import SchemaChanged
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.api import (
    ApiUser,
    ApiVideo,
    profile_of_user,
    video_of,
    videos_of,
)
from workers.sources.shapes.api_values import text_of, whole_number
from workers.sources.tiktok_envelope import decode

# TikTok's own limit, of a page and of a request by ids.
BATCH_SIZE = 20
VIDEO_FIELDS = (
    "id,create_time,cover_image_url,title,video_description,view_count,"
    "like_count,comment_count,share_count,duration"
)
_USER_FIELDS = {
    BASIC: ("open_id", "avatar_url", "display_name"),
    PROFILE: ("username",),
    STATS: ("follower_count", "following_count", "likes_count", "video_count"),
}
_LONGEST_URL = 4_096


class OtherAccountError(Exception):
    """TikTok answered about another account than the one that connected."""


class _DisplayUser(ApiUser, frozen=True):
    open_id: Any = None


class _DisplayUserData(Struct, frozen=True):
    user: _DisplayUser


class _DisplayVideo(ApiVideo, frozen=True):
    title: Any = None
    cover_image_url: Any = None


class _DisplayPage(Struct, frozen=True):
    videos: tuple[_DisplayVideo, ...] | None = None
    cursor: Any = None
    has_more: bool = False


class DisplayedVideos(Struct, frozen=True, kw_only=True):
    """Some videos, and the cursor of the next ones: None on the last page."""

    videos: tuple[VideoObservation, ...]
    cursor: int | None
    data: bytes


def user_fields(scopes: Collection[str]) -> str:
    """Return the fields that these scopes allow."""
    return ",".join(
        name
        for scope, names in _USER_FIELDS.items()
        if scope in scopes
        for name in names
    )


def profile_of(data: Raw, *, open_id: str) -> ProfileObservation:
    """Return a profile from a user; fields that cannot be read are null.

    Raises:
        OtherAccountError: the user is not ``open_id``.
        RefusedError: it is not a user, or has no readable number.
    """
    user = decode(data, _DisplayUserData).user
    if user.open_id != open_id:
        raise OtherAccountError
    profile = replace(
        profile_of_user(user), avatar_url=_url(user.avatar_url), precision="exact"
    )
    counts = (
        *(profile.follower_count, profile.following_count),
        *(profile.total_likes_count, profile.video_count),
    )
    if all(count is None for count in counts):
        raise RefusedError(SchemaChanged("The answer has none of a user's numbers."))
    return profile


def page_of(
    data: Raw, *, after: int | None = None, is_whole: bool = False
) -> DisplayedVideos:
    """Return a page of videos; ``after`` is the cursor of the request.

    Fields that are missing or cannot be read are null. A video without a readable id is
    left out, because it cannot be identified. ``is_whole`` says that no other page
    follows.

    Raises:
        RefusedError: the data is no page, none of its videos has an id, or its cursor
            does not lead further.
    """
    page = decode(data, _DisplayPage)
    videos = videos_of(page.videos or (), _video_of, provider="display")
    cursor = None
    if page.has_more and not is_whole:
        # The cursor is the time of the last video, so it goes back.
        cursor = whole_number(page.cursor)
        if cursor is None or cursor <= 0 or cursor == after:
            raise RefusedError(SchemaChanged("There is more, and no way to get at it."))
    return DisplayedVideos(videos=videos, cursor=cursor, data=bytes(data))


def _video_of(row: _DisplayVideo) -> VideoObservation | None:
    cover = _url(row.cover_image_url)
    video = video_of(row)
    return video and replace(
        video,
        title=video.title or text_of(row.title),
        thumbnail_url=UNSET if cover is None else cover,
    )


def _url(value: object) -> str | None:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_URL:
        return None
    return value
