"""The app's shape: reads accounts and videos as TikTok's app gets them."""

from typing import Literal, cast

from msgspec import UNSET

from domain.scrape.observations import (
    VideoObservation,
    stated_attributes,
)
from workers.sources.shapes.attributes import app_attributes_of
from workers.sources.shapes.json_values import (
    address_of,
    count_of,
    id_of,
    items_of,
    text_of,
    time_of,
    within,
)
from workers.sources.shapes.web import LONGEST_NAME, LONGEST_TITLE

# The web's names of an account's counters, and the app's.
_COUNTERS = {
    "followerCount": "follower_count",
    "followingCount": "following_count",
    "heartCount": "total_favorited",
    "videoCount": "aweme_count",
}
# Services put a video inside of another object with one of these names.
_WRAPPERS = ("aweme_detail", "aweme_info")


def as_web_user(user: object) -> dict[str, object]:
    """Return an account under the names of the web's shape.

    Services pass on one shape or the other, or names of one and counters of the other.
    """
    is_app = isinstance(within(user, "unique_id"), str)
    return {
        "id": _user_id_of(user),
        "uniqueId": within(user, "unique_id" if is_app else "uniqueId"),
        "secUid": within(user, "sec_uid" if is_app else "secUid"),
        "nickname": within(user, "nickname"),
        "avatarLarger": within(user, "avatarLarger")
        or _first_address(user, "avatar_larger", "avatar_medium", "avatar_thumb"),
        "avatarMedium": within(user, "avatarMedium"),
        "avatarThumb": within(user, "avatarThumb"),
        "ftc": within(user, "ftc"),
        # The web's "secret" means something else.
        "privateAccount": within(user, "privateAccount") is True
        or (is_app and within(user, "secret") in (True, 1)),
    }


def as_web_counters(user: object) -> dict[str, object]:
    """Return the counters in an account of the app, under the web's names."""
    counters = {theirs: within(user, ours) for theirs, ours in _COUNTERS.items()}
    return {name: count for name, count in counters.items() if count is not None}


def app_video_in(row: object) -> object:
    """Return the video of a row, which may be inside of another object."""
    for name in _WRAPPERS:
        inner = within(row, name)
        if isinstance(inner, dict):
            return cast("object", inner)
    return row


def app_video_of(video: object) -> VideoObservation | None:
    """Return the video of an ``aweme``, None if it has no id."""
    video_id = id_of(within(video, "aweme_id"))
    if video_id is None:
        return None
    return VideoObservation(
        tiktok_video_id=video_id,
        title=text_of(within(video, "desc"), longest=LONGEST_TITLE),
        kind=_kind_of(video),
        posted_at=time_of(within(video, "create_time")),
        thumbnail_url=_picture_of(video) or UNSET,
        view_count=_count(video, "statistics", "play_count"),
        like_count=_count(video, "statistics", "digg_count"),
        comment_count=_count(video, "statistics", "comment_count"),
        share_count=_count(video, "statistics", "share_count"),
        save_count=_count(video, "statistics", "collect_count"),
        **stated_attributes(app_attributes_of(video)),
    )


def app_author_of(video: object) -> tuple[str | None, str | None]:
    """Return the author's user id and handle, each None if it is missing."""
    author = within(video, "author")
    user_id = _user_id_of(author) or id_of(within(video, "author_user_id"))
    return user_id, text_of(within(author, "unique_id"), longest=LONGEST_NAME)


def is_withdrawn(video: object) -> bool:
    """Tell whether the video says that it was deleted, or is not for the public."""
    status = within(video, "status")
    return within(status, "is_delete") in (True, 1) or within(
        status, "private_status"
    ) in (1, 2)


def _user_id_of(user: object) -> str | None:
    return id_of(within(user, "uid")) or id_of(within(user, "id"))


def _count(tree: object, *path: str) -> int | None:
    count = count_of(within(tree, *path))
    return None if count is None else count.value


def _picture_of(video: object) -> str | None:
    """Return the address of the cover; for photos, that of the first photo."""
    photos = items_of(within(video, "image_post_info", "images"))[:1]
    first = (
        _first_address(photo, "display_image", "thumbnail", "owner_watermark_image")
        for photo in photos
    )
    cover = _first_address(within(video, "video"), "cover", "origin_cover")
    return cover or next(first, None)


def _first_address(tree: object, *names: str) -> str | None:
    """Return the first web address in the lists of these pictures."""
    addresses = (
        address_of(url)
        for name in names
        for url in items_of(within(tree, name, "url_list"))
    )
    return next((address for address in addresses if address), None)


def _kind_of(video: object) -> Literal["video", "photo"] | None:
    if isinstance(within(video, "image_post_info"), dict):
        return "photo"
    length = count_of(within(video, "video", "duration"))
    return "video" if length is not None and length.value > 0 else None
