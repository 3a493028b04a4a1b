"""The web's shape: reads accounts and videos as TikTok's pages and lists have them."""

from collections.abc import Iterable
from typing import Literal

from msgspec import UNSET, Struct
from msgspec.structs import replace

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
    stated_attributes,
)
from domain.scrape.verdicts import (
    Private,
    SchemaChanged,
    Unavailable,
)
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.attributes import web_attributes_of
from workers.sources.shapes.json_values import (
    address_of,
    count_of,
    id_of,
    items_of,
    sec_uid_of,
    text_of,
    time_of,
    within,
)
from workers.sources.shapes.totals import totals_of

# TikTok's own limit for a description.
LONGEST_TITLE = 4_000
LONGEST_NAME = 500


class SeenAccount(Struct, frozen=True, kw_only=True):
    """A profile, the id of its account, and the handle that it has there."""

    user_id: str
    handle: str
    profile: ProfileObservation


def account_of(
    user: object, *, exact: object, rounded: object, subject: str, handle: str
) -> SeenAccount:
    """Return the account of a ``user`` with its counters in ``statsV2`` and ``stats``.

    ``subject`` begins the sentence about a missing part.

    Raises:
        RefusedError: the account is not public, or lacks a part of a profile.
    """
    if within(user, "ftc") is True:
        raise RefusedError(Unavailable(f"@{handle} is under age."))
    if within(user, "privateAccount") is True:
        raise RefusedError(Private(f"@{handle} is private."))
    user_id = id_of(within(user, "id"))
    own_handle = text_of(within(user, "uniqueId"), longest=LONGEST_NAME)
    totals = totals_of(exact=exact, rounded=rounded)
    if not user_id or not own_handle or not totals:
        lacking = "any counter" if user_id and own_handle else "whose it is"
        raise RefusedError(SchemaChanged(f"{subject} lacks {lacking}."))
    name = text_of(within(user, "nickname"), longest=LONGEST_NAME)
    return SeenAccount(
        user_id=user_id,
        handle=own_handle,
        profile=ProfileObservation(
            user_id=user_id,
            sec_uid=sec_uid_of(within(user, "secUid")),
            display_name=name or None,
            avatar_url=_avatar_of(user),
            follower_count=totals.followers,
            following_count=totals.following,
            total_likes_count=totals.likes,
            video_count=totals.videos,
            precision=totals.precision,
        ),
    )


def video_of(item: object) -> VideoObservation | None:
    """Return the video of an ``itemStruct``, None if it has no id."""
    video_id = id_of(within(item, "id"))
    if video_id is None:
        return None
    return VideoObservation(
        tiktok_video_id=video_id,
        title=text_of(within(item, "desc"), longest=LONGEST_TITLE),
        kind=_kind_of(item),
        posted_at=time_of(within(item, "createTime")),
        thumbnail_url=_picture_of(item) or UNSET,
        view_count=_counter(item, "playCount"),
        like_count=_counter(item, "diggCount"),
        comment_count=_counter(item, "commentCount"),
        # Not repostCount: that counts something else, and is 0 for anonymous readers.
        share_count=_counter(item, "shareCount"),
        save_count=_counter(item, "collectCount"),
        **stated_attributes(web_attributes_of(item)),
    )


def own_videos(
    items: Iterable[object], *, author_id: str
) -> dict[str, VideoObservation]:
    """Return the videos of ``author_id`` among these, by id.

    TikTok marks only pinned videos.
    """
    theirs = [item for item in items if author_of(item) in {None, author_id}]
    videos = [video for item in theirs if (video := video_of(item))]
    if any(video.is_pinned is True for video in videos):
        videos = [replace(each, is_pinned=each.is_pinned is True) for each in videos]
    return {video.tiktok_video_id: video for video in videos}


def author_of(item: object) -> str | None:
    """Return the user id of the author."""
    return id_of(within(item, "author", "id")) or id_of(within(item, "authorId"))


def _avatar_of(user: object) -> str | None:
    sizes = ("avatarLarger", "avatarMedium", "avatarThumb")
    addresses = (address_of(within(user, size)) for size in sizes)
    return next((address for address in addresses if address), None)


def _counter(item: object, name: str) -> int | None:
    for source in ("statsV2", "stats"):
        count = count_of(within(item, source, name))
        if count is not None:
            return count.value
    return None


def _picture_of(item: object) -> str | None:
    """Return the address of the cover; for photos, that of the first photo."""
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
