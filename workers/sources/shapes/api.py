"""Reads users and videos as TikTok's Display API and Research API answer with them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
    stated_attributes,
)
from domain.scrape.verdicts import SchemaChanged
from domain.video.attributes import VideoAttributes
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.api_values import (
    counter,
    numeric_id,
    seconds_of,
    text_of,
    time_of,
)

_log = structlog.get_logger()


# A field of an unexpected type loses only that field, not the answer: hence Any.
class ApiUser(Struct, frozen=True):
    """The fields of a user that both APIs have."""

    display_name: Any = None
    avatar_url: Any = None
    follower_count: Any = None
    following_count: Any = None
    likes_count: Any = None
    video_count: Any = None


class ApiVideo(Struct, frozen=True):
    """The fields of a video that both APIs have."""

    id: Any = None
    video_description: Any = None
    create_time: Any = None
    view_count: Any = None
    like_count: Any = None
    comment_count: Any = None
    share_count: Any = None
    duration: Any = None


V = TypeVar("V", bound=ApiVideo)


def profile_of_user(user: ApiUser) -> ProfileObservation:
    """Return a profile without its precision; unreadable fields are null."""
    return ProfileObservation(
        display_name=text_of(user.display_name),
        avatar_url=text_of(user.avatar_url),
        follower_count=counter(user.follower_count),
        following_count=counter(user.following_count),
        total_likes_count=counter(user.likes_count),
        video_count=counter(user.video_count),
    )


def video_of(row: ApiVideo) -> VideoObservation | None:
    """Return a video, None without a readable id; unreadable fields are null."""
    video_id = numeric_id(row.id)
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
        **stated_attributes(VideoAttributes(duration_s=seconds_of(row.duration))),
    )


def videos_of(
    rows: Sequence[V], read: Callable[[V], VideoObservation | None], *, provider: str
) -> tuple[VideoObservation, ...]:
    """Return the videos of a page, without those that ``read`` finds no id in.

    Raises:
        RefusedError: none of them has an id.
    """
    videos = tuple(video for row in rows if (video := read(row)))
    if rows and not videos:
        raise RefusedError(SchemaChanged("None of the videos has an id."))
    if len(videos) < len(rows):
        missing = len(rows) - len(videos)
        _log.warning("videos_without_id", provider=provider, amount=missing)
    return videos
