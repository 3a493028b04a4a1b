"""The attributes of a video that sources have next to its counters, such as a sound."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec.structs import asdict, astuple

# Far longer than TikTok allows, so that a damaged answer does not fill a table.
ShortText = Annotated[str, msgspec.Meta(max_length=500)]
ShortTexts = Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=200)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Sound(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """The sound of a video; a field that the source left out is null.

    ``id`` is the platform's id. ``original`` tells whether the sound was made for this
    video.
    """

    id: ShortText | None = None
    title: ShortText | None = None
    author: ShortText | None = None
    original: bool | None = None


class VideoAttributes(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """The attributes of a video from a source; a field that it left out is null.

    ``duration_s`` is in seconds. ``hashtags`` have no ``#`` and ``mentions``, which are
    handles, no ``@``; an empty list means that the video has none. ``language`` is the
    platform's code of the language of the text.
    """

    duration_s: Seconds | None = None
    sound: Sound | None = None
    hashtags: ShortTexts | None = None
    mentions: ShortTexts | None = None
    is_ad: bool | None = None
    is_pinned: bool | None = None
    is_private: bool | None = None
    language: ShortText | None = None


ATTRIBUTES = VideoAttributes.__struct_fields__


def attributes_of(values: Sequence[object]) -> VideoAttributes | None:
    """Return the attributes with these values, in order; None if all are null."""
    if all(value is None for value in values):
        return None
    return VideoAttributes(**dict(zip(ATTRIBUTES, values, strict=True)))  # pyright: ignore[reportArgumentType]


def values_of(attributes: VideoAttributes | None) -> dict[str, Any]:
    """Return the value of each attribute by its name, null for those without one."""
    return asdict(attributes or VideoAttributes())


def merged(
    old: VideoAttributes | None, new: VideoAttributes | None
) -> VideoAttributes | None:
    """Return the old attributes, overwritten by those that the new ones have."""
    if old is None or new is None:
        return new or old
    values = zip(astuple(old), astuple(new), strict=True)
    return attributes_of([before if now is None else now for before, now in values])


def changed(
    old: VideoAttributes | None, new: VideoAttributes | None
) -> VideoAttributes | None:
    """Return the new attributes that differ from the old ones; None if none does."""
    if old is None or new is None:
        return new
    values = zip(astuple(old), astuple(new), strict=True)
    return attributes_of([None if now == before else now for before, now in values])


def hashtag_keys(hashtags: Sequence[str]) -> list[str]:
    """Return hashtags for comparison: sorted, without ``#``, in one letter case."""
    return sorted({name.strip().lstrip("#").casefold() for name in hashtags} - {""})
