"""Reads the attributes of a video: its sound, length, hashtags, mentions and marks."""

from collections.abc import Iterable

from domain.video.attributes import Sound, VideoAttributes
from workers.sources.shapes.json_values import (
    count_of,
    id_of,
    items_of,
    text_of,
    within,
)

_LONGEST_NAME = 500
_MOST_NAMES = 200
_MENTION = 0
_PRIVATE = (1, 2)


def web_attributes_of(item: object) -> VideoAttributes:
    """Return the attributes of an ``itemStruct``."""
    music = within(item, "music")
    marks = items_of(within(item, "textExtra")) + [
        mark
        for content in items_of(within(item, "contents"))
        for mark in items_of(within(content, "textExtra"))
    ]
    challenges = items_of(within(item, "challenges"))
    is_listed = isinstance(within(item, "textExtra"), list) or bool(marks or challenges)
    return VideoAttributes(
        duration_s=_seconds(within(item, "video", "duration")),
        sound=_sound(
            id_of(within(music, "id")),
            title=within(music, "title"),
            author=within(music, "authorName"),
            original=within(music, "original"),
        ),
        hashtags=_distinct(
            [within(mark, "hashtagName") for mark in marks]
            + [within(challenge, "title") for challenge in challenges],
            is_listed=is_listed,
        ),
        mentions=_distinct(
            [within(mark, "userUniqueId") for mark in marks], is_listed=is_listed
        ),
        is_ad=_truth(within(item, "isAd")),
        is_pinned=_truth(within(item, "isPinnedItem")),
        is_private=_truth(within(item, "privateItem")),
        language=_code(within(item, "textLanguage")),
    )


def app_attributes_of(video: object) -> VideoAttributes:
    """Return the attributes of an ``aweme``."""
    music = within(video, "music")
    marks = items_of(within(video, "text_extra"))
    challenges = items_of(within(video, "cha_list"))
    is_listed = isinstance(within(video, "text_extra"), list) or bool(challenges)
    length = count_of(within(video, "video", "duration"))
    status = within(video, "status", "private_status")
    return VideoAttributes(
        # The app has milliseconds.
        duration_s=_seconds(length and round(length.value / 1000)),
        sound=_sound(
            id_of(within(music, "id_str")) or id_of(within(music, "id")),
            title=within(music, "title"),
            author=within(music, "author"),
            original=within(music, "is_original_sound"),
        ),
        hashtags=_distinct(
            [within(mark, "hashtag_name") for mark in marks]
            + [within(challenge, "cha_name") for challenge in challenges],
            is_listed=is_listed,
        ),
        mentions=_distinct(
            [_mentioned(mark, within(video, "desc")) for mark in marks],
            is_listed=is_listed,
        ),
        is_ad=_truth(within(video, "is_ads")),
        is_pinned=_truth(within(video, "is_top")),
        is_private=None if status is None else status in _PRIVATE,
        language=_code(within(video, "desc_language")),
    )


def names_of(names: object) -> tuple[str, ...] | None:
    """Return the texts of a list, each once in any letter case; None for no list."""
    return _distinct(items_of(names), is_listed=isinstance(names, list))


def _distinct(names: Iterable[object], *, is_listed: bool) -> tuple[str, ...] | None:
    if not is_listed:
        return None
    found: dict[str, str] = {}
    for name in names:
        text = text_of(name, longest=_LONGEST_NAME)
        if text and (text := text.strip().lstrip("#@")):
            found.setdefault(text.casefold(), text)
    return tuple(found.values())[:_MOST_NAMES]


def _mentioned(mark: object, text: object) -> object:
    """Return the handle of a mention, which the app has in the text alone."""
    if handle := within(mark, "user_unique_id"):
        return handle
    if within(mark, "type") != _MENTION or not isinstance(text, str):
        return None
    start, end = within(mark, "start"), within(mark, "end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    # The app counts in units of UTF-16, in which most emoji are two.
    units = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    named = units.decode("utf-16-le", "replace")
    return named if named.startswith("@") else None


def _sound(
    sound_id: str | None, *, title: object, author: object, original: object
) -> Sound | None:
    sound = Sound(
        id=sound_id,
        title=text_of(title, longest=_LONGEST_NAME) or None,
        author=text_of(author, longest=_LONGEST_NAME) or None,
        original=_truth(original),
    )
    return None if sound in (Sound(), Sound(original=sound.original)) else sound


def _seconds(value: object) -> int | None:
    """Return a length in seconds; TikTok writes 0 for photos, which have none."""
    seconds = count_of(value)
    return seconds.value if seconds and 0 < seconds.value < 2**31 else None


def _truth(value: object) -> bool | None:
    return bool(value) if value in (True, False) else None


def _code(value: object) -> str | None:
    """Return a code of a language; TikTok writes ``un`` for an unknown one."""
    code = text_of(value, longest=20)
    return code if code and code != "un" else None
