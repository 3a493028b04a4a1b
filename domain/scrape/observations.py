"""Observations: a profile and videos as a source shows them at one time."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.messages import Precision
from domain.video.attributes import (
    ATTRIBUTES,
    Seconds,
    ShortText,
    ShortTexts,
    Sound,
    VideoAttributes,
    attributes_of,
)

# Signed 64-bit, as observed: negative if a source overflowed, null if it had no value.
Counter = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
# Far more than any title has, and short enough for every list.
StorableText = Annotated[str, Meta(max_length=20_000)] | None
PictureUrl = Annotated[str, Meta(max_length=4_096)]
# A time without a zone is ambiguous.
AwareDatetime = Annotated[datetime, Meta(tz=True)]


class ProfileObservation(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A profile as observed; a value that the source left out is null, never 0.

    ``precision`` says whether the source rounds large numbers to a few digits.
    """

    user_id: str | None = None
    sec_uid: str | None = None
    display_name: StorableText = None
    avatar_url: str | None = None
    follower_count: Counter = None
    following_count: Counter = None
    total_likes_count: Counter = None
    video_count: Counter = None
    precision: Precision | None = None


class VideoObservation(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A video as observed in a list; a value that the source left out is null, never 0.

    ``thumbnail_url`` is the address of its picture for some days. The fields from
    ``duration_s`` on are as in ``VideoAttributes``. A recording has these fields only
    if they have a value, so that lines without them stay the same.
    """

    # Ids have 19 digits today, and an unsigned 64-bit number has at most 20.
    tiktok_video_id: Annotated[str, Meta(min_length=1, max_length=20)]
    title: StorableText = None
    kind: Literal["video", "photo"] | None = None
    posted_at: AwareDatetime | None = None
    thumbnail_url: PictureUrl | UnsetType | None = UNSET
    view_count: Counter = None
    like_count: Counter = None
    comment_count: Counter = None
    share_count: Counter = None
    save_count: Counter = None
    duration_s: Seconds | UnsetType | None = UNSET
    sound: Sound | UnsetType | None = UNSET
    hashtags: ShortTexts | UnsetType | None = UNSET
    mentions: ShortTexts | UnsetType | None = UNSET
    is_ad: bool | UnsetType | None = UNSET
    is_pinned: bool | UnsetType | None = UNSET
    is_private: bool | UnsetType | None = UNSET
    language: ShortText | UnsetType | None = UNSET

    @property
    def attributes(self) -> VideoAttributes | None:
        """Return the attributes of the video; None if the source left out all."""
        return attributes_of(
            [
                None if (value := getattr(self, name)) is UNSET else value
                for name in ATTRIBUTES
            ]
        )


def stated_attributes(attributes: VideoAttributes | None) -> dict[str, Any]:
    """Return the fields of an observation from these attributes."""
    if attributes is None:
        return {}
    return {
        name: value
        for name in ATTRIBUTES
        if (value := getattr(attributes, name)) is not None
    }
