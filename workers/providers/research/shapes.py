"""Decodes a user and a page of videos from the API's data."""

import re
from datetime import UTC, datetime
from typing import Any

import structlog
from msgspec import Raw, Struct
from msgspec.structs import replace

from workers.provider import ProfileObservation, SchemaChanged, VideoObservation
from workers.providers.research.envelope import decode
from workers.providers.research.errors import NoAnswerError

USER_FIELDS = (
    "display_name,avatar_url,follower_count,following_count,likes_count,video_count"
)
VIDEO_FIELDS = (
    "id,video_description,create_time,view_count,like_count,comment_count,share_count,"
    "favorites_count"
)
_DIGITS = re.compile(r"[0-9]{1,20}")
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())

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
        display_name=_text(user.display_name),
        avatar_url=_text(user.avatar_url),
        follower_count=_counter(user.follower_count),
        following_count=_counter(user.following_count),
        total_likes_count=_counter(user.likes_count),
        video_count=_counter(user.video_count),
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
    cursor = _counter(page.cursor)
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
    video_id = _id(row.video_id if row.id is None else row.id)
    if video_id is None:
        return None
    return VideoObservation(
        tiktok_video_id=video_id,
        title=_text(row.video_description),
        posted_at=_time(row.create_time),
        view_count=_counter(row.view_count),
        like_count=_counter(row.like_count),
        comment_count=_counter(row.comment_count),
        share_count=_counter(row.share_count),
        save_count=_counter(row.favorites_count),
    )


def _whole(value: object) -> int | None:
    """Return an integer, also from a string of digits; a float does not count."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return None


def _counter(value: object) -> int | None:
    number = _whole(value)
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _id(value: object) -> str | None:
    number = _whole(value)
    return str(value) if number is not None and 0 < number < 2**64 else None


def _time(value: object) -> datetime | None:
    # The platform writes 0 for an unknown value.
    second = _whole(value)
    if second is None or not 0 < second < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(second, UTC)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
