"""The attributes of a video that sources have next to its counters, such as a sound."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec.structs import asdict, astuple

# Far more than TikTok allows, so that a damaged answer fills no table.
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
    """The sound of a video; null is what the source left out.

    ``id`` is the platform's own. ``original`` tells whether the sound was made for this
    video.
    """

    id: ShortText | None = None
    title: ShortText | None = None
    author: ShortText | None = None
    original: bool | None = None


class VideoAttributes(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """The attributes of a video as a source gave them; null is what it left out.

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
    """Return the value of each attribute by its name; null for all without any."""
    return asdict(attributes or VideoAttributes())


def merged(
    old: VideoAttributes | None, new: VideoAttributes | None
) -> VideoAttributes | None:
    """Return the newer attributes; one that they leave out stays as it was."""
    if old is None or new is None:
        return new or old
    values = zip(astuple(old), astuple(new), strict=True)
    return attributes_of([before if now is None else now for before, now in values])


def changed(
    old: VideoAttributes | None, new: VideoAttributes | None
) -> VideoAttributes | None:
    """Return those of the new attributes that are not the old ones; None if none is."""
    if old is None or new is None:
        return new
    values = zip(astuple(old), astuple(new), strict=True)
    return attributes_of([None if now == before else now for before, now in values])


def hashtag_keys(hashtags: Sequence[str]) -> list[str]:
    """Return hashtags as they are compared: without ``#`` and letter case, sorted."""
    return sorted({name.strip().lstrip("#").casefold() for name in hashtags} - {""})
