"""Reads a video from TikTok's lists and pages."""

from typing import Literal

from msgspec import UNSET

from workers.provider import VideoObservation
from workers.providers.web.readings import (
    address_of,
    count_of,
    id_of,
    items_of,
    text_of,
    time_of,
    within,
)

# TikTok's own limit for a description.
_LONGEST_TITLE = 4_000


def video_of(item: object) -> VideoObservation | None:
    """Return the video of an ``itemStruct``, None if it has no id."""
    video_id = id_of(within(item, "id"))
    if video_id is None:
        return None
    return VideoObservation(
        tiktok_video_id=video_id,
        title=text_of(within(item, "desc"), longest=_LONGEST_TITLE),
        kind=_kind_of(item),
        posted_at=time_of(within(item, "createTime")),
        thumbnail_url=_picture_of(item) or UNSET,
        view_count=_counter(item, "playCount"),
        like_count=_counter(item, "diggCount"),
        comment_count=_counter(item, "commentCount"),
        # Not repostCount: that counts something else, and is 0 for anonymous readers.
        share_count=_counter(item, "shareCount"),
        save_count=_counter(item, "collectCount"),
    )


def author_of(item: object) -> str | None:
    """Return the user id of the author."""
    return id_of(within(item, "author", "id")) or id_of(within(item, "authorId"))


def _counter(item: object, name: str) -> int | None:
    for source in ("statsV2", "stats"):
        count = count_of(within(item, source, name))
        if count is not None:
            return count.value
    return None


def _picture_of(item: object) -> str | None:
    """Return the address of the cover, of photos that of the first one."""
    cover = address_of(within(item, "video", "cover"))
    photos = items_of(within(item, "imagePost", "images"))[:1]
    first = [items_of(within(photo, "imageURL", "urlList"))[:1] for photo in photos]
    return cover or next((address_of(url) for urls in first for url in urls), None)


def _kind_of(item: object) -> Literal["video", "photo"] | None:
    if isinstance(within(item, "imagePost"), dict):
        return "photo"
    # Slideshows have a video without a length; otherwise the kind is unknown.
    length = count_of(within(item, "video", "duration"))
    return "video" if length is not None and length.value > 0 else None
