"""Decodes a user and a page of videos from the API's data."""

from typing import Any

import structlog
from msgspec import Raw, Struct
from msgspec.structs import replace

from workers.provider import ProfileObservation, SchemaChanged, VideoObservation
from workers.providers.research.envelope import decode
from workers.providers.research.errors import NoAnswerError
from workers.shapes.api_values import counter, numeric_id, text_of, time_of

USER_FIELDS = (
    "display_name,avatar_url,follower_count,following_count,likes_count,video_count"
)
VIDEO_FIELDS = (
    "id,video_description,create_time,view_count,like_count,comment_count,share_count,"
    "favorites_count"
)

_log = structlog.get_logger()


# A field of an unexpected type loses that field only, not the answer: hence Any.
class _User(Struct, frozen=True):
    display_name: Any = None
    avatar_url: Any = None
    follower_count: Any = None
    following_count: Any = None
    likes_count: Any = None
    video_count: Any = None


class _Video(Struct, frozen=True):
    id: Any = None
    video_id: Any = None  # the name in the API of 2023
    video_description: Any = None
    create_time: Any = None
    view_count: Any = None
    like_count: Any = None
    comment_count: Any = None
    share_count: Any = None
    favorites_count: Any = None


class _Page(Struct, frozen=True):
    videos: tuple[_Video, ...] | None = None
    cursor: Any = None
    has_more: bool = False
    search_id: str | int | None = None


class SearchPage(Struct, frozen=True, kw_only=True):
    """Some of the videos of a search, and where the next ones begin.

    ``records`` is how many TikTok counts for it, ``cursor`` is None on the last page,
    and ``data`` is what was read.
    """

    videos: tuple[VideoObservation, ...]
    records: int
    cursor: int | None
    search_id: str | None
    data: bytes


def profile_of(data: Raw) -> ProfileObservation:
    """Return a profile from a user; null for what is missing or cannot be read.

    Raises:
        NoAnswerError: it is not a user, or has no readable field.
    """
    user = decode(data, _User)
    profile = ProfileObservation(
        display_name=text_of(user.display_name),
        avatar_url=text_of(user.avatar_url),
        follower_count=counter(user.follower_count),
        following_count=counter(user.following_count),
        total_likes_count=counter(user.likes_count),
        video_count=counter(user.video_count),
    )
    if profile == ProfileObservation():
        raise NoAnswerError(SchemaChanged("The answer has none of a user's fields."))
    return replace(profile, precision="exact")


def page_of(data: Raw, *, after: int = 0) -> SearchPage:
    """Return a page of videos; ``after`` is the cursor of the request.

    Fields that are missing or cannot be read are null. A video without a readable id is
    left out, because it cannot be identified.

    Raises:
        NoAnswerError: it is not a page, none of its videos has an id, or its cursor
            leads nowhere.
    """
    page = decode(data, _Page)
    rows = page.videos or ()
    videos = tuple(video for row in rows if (video := _video_of(row)))
    if rows and not videos:
        raise NoAnswerError(SchemaChanged("None of the videos has an id."))
    if len(videos) < len(rows):
        _log.warning("research_videos_without_id", amount=len(rows) - len(videos))
    cursor = counter(page.cursor)
    if page.has_more and (cursor is None or cursor <= after):
        raise NoAnswerError(SchemaChanged("There is more, and no way to get at it."))
    return SearchPage(
        videos=videos,
        records=len(rows),
        cursor=cursor if page.has_more else None,
        search_id=None if page.search_id is None else str(page.search_id),
        data=bytes(data),
    )


def _video_of(row: _Video) -> VideoObservation | None:
    video_id = numeric_id(row.video_id if row.id is None else row.id)
    if video_id is None:
        return None
    return VideoObservation(
        tiktok_video_id=video_id,
        title=text_of(row.video_description),
        posted_at=time_of(row.create_time),
        view_count=counter(row.view_count),
        like_count=counter(row.like_count),
        comment_count=counter(row.comment_count),
        share_count=counter(row.share_count),
        save_count=counter(row.favorites_count),
    )
