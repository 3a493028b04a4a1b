"""Decodes a user and a page of videos from the Display API's data."""

from collections.abc import Collection
from typing import Any

import msgspec
import structlog
from msgspec import UNSET, Raw, Struct

from domain.connection.consent import BASIC, PROFILE, STATS
from workers.http.tiktok_api import NoReplyError
from workers.provider import ProfileObservation, SchemaChanged, VideoObservation
from workers.shapes.api_values import (
    counter,
    numeric_id,
    text_of,
    time_of,
    whole_number,
)

# TikTok's own limit, of a page and of a request by ids.
BATCH_SIZE = 20
VIDEO_FIELDS = (
    "id,create_time,cover_image_url,title,video_description,view_count,"
    "like_count,comment_count,share_count"
)
_USER_FIELDS = {
    BASIC: ("open_id", "avatar_url", "display_name"),
    PROFILE: ("username",),
    STATS: ("follower_count", "following_count", "likes_count", "video_count"),
}
_LONGEST_URL = 4_096

_log = structlog.get_logger()


class OtherAccountError(Exception):
    """What TikTok answered with is of another account than the one that connected."""


# A field of an unexpected type loses that field only, not the answer: hence Any.
class _DisplayUser(Struct, frozen=True):
    open_id: Any = None
    display_name: Any = None
    avatar_url: Any = None
    follower_count: Any = None
    following_count: Any = None
    likes_count: Any = None
    video_count: Any = None


class _DisplayUserData(Struct, frozen=True):
    user: _DisplayUser


class _DisplayVideo(Struct, frozen=True):
    id: Any = None
    title: Any = None
    video_description: Any = None
    create_time: Any = None
    cover_image_url: Any = None
    view_count: Any = None
    like_count: Any = None
    comment_count: Any = None
    share_count: Any = None


class _DisplayPage(Struct, frozen=True):
    videos: tuple[_DisplayVideo, ...] | None = None
    cursor: Any = None
    has_more: bool = False


class DisplayedVideos(Struct, frozen=True, kw_only=True):
    """Some videos, and where the next ones begin: None on the last page."""

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
    """Return a profile from a user; null for what is missing or cannot be read.

    Raises:
        OtherAccountError: the user is not ``open_id``.
        NoReplyError: it is not a user, or has no readable number.
    """
    user = decoded(data, _DisplayUserData).user
    if user.open_id != open_id:
        raise OtherAccountError
    profile = ProfileObservation(
        display_name=text_of(user.display_name),
        avatar_url=_url(user.avatar_url),
        follower_count=counter(user.follower_count),
        following_count=counter(user.following_count),
        total_likes_count=counter(user.likes_count),
        video_count=counter(user.video_count),
        precision="exact",
    )
    counts = (
        *(profile.follower_count, profile.following_count),
        *(profile.total_likes_count, profile.video_count),
    )
    if all(count is None for count in counts):
        raise NoReplyError(SchemaChanged("The answer has none of a user's numbers."))
    return profile


def page_of(
    data: Raw, *, after: int | None = None, is_whole: bool = False
) -> DisplayedVideos:
    """Return a page of videos; ``after`` is the cursor of the request.

    Fields that are missing or cannot be read are null. A video without a readable id is
    left out, because it cannot be identified. ``is_whole``: no other page follows.

    Raises:
        NoReplyError: it is not a page, none of its videos has an id, or its cursor
            leads nowhere.
    """
    page = decoded(data, _DisplayPage)
    rows = page.videos or ()
    videos = tuple(video for row in rows if (video := _video_of(row)))
    if rows and not videos:
        raise NoReplyError(SchemaChanged("None of the videos has an id."))
    if len(videos) < len(rows):
        _log.warning("display_videos_without_id", amount=len(rows) - len(videos))
    cursor = None
    if page.has_more and not is_whole:
        # It is the time of the last video, so it goes back.
        cursor = whole_number(page.cursor)
        if cursor is None or cursor <= 0 or cursor == after:
            raise NoReplyError(SchemaChanged("There is more, and no way to get at it."))
    return DisplayedVideos(videos=videos, cursor=cursor, data=bytes(data))


def decoded(data: bytes | Raw, kind: type[Any]) -> Any:  # noqa: ANN401 - of that kind
    """Return the JSON as ``kind``; integers are exact, of any size.

    Raises:
        NoReplyError: it is not JSON, or has another shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoReplyError(
            SchemaChanged(f"The answer cannot be read: {error}"[:300])
        ) from None


def _video_of(row: _DisplayVideo) -> VideoObservation | None:
    video_id = numeric_id(row.id)
    if video_id is None:
        return None
    cover = _url(row.cover_image_url)
    return VideoObservation(
        tiktok_video_id=video_id,
        title=text_of(row.video_description) or text_of(row.title),
        posted_at=time_of(row.create_time),
        thumbnail_url=UNSET if cover is None else cover,
        view_count=counter(row.view_count),
        like_count=counter(row.like_count),
        comment_count=counter(row.comment_count),
        share_count=counter(row.share_count),
    )


def _url(value: object) -> str | None:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_URL:
        return None
    return value
