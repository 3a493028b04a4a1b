"""Tags of creators and videos: the allowed texts, and when two of them are the same."""

import unicodedata
from collections.abc import Iterable

from domain.errors import InvalidTagError
from domain.letter_case import folded, has_control_character, is_visible

MAX_TAGS = 20
MAX_TAG_LENGTH = 40


def read_tags(texts: Iterable[str], *, field: str = "tags") -> list[str]:
    """Return the tags without blanks around them, each once, as first written.

    Tags that differ only in letter case are the same tag. A comma is refused, because
    filters and spreadsheets separate tags by commas. ``field`` names the list in
    errors.

    Raises:
        InvalidTagError: a tag is empty, too long or has a character that is not
            allowed, or there are too many.
    """
    tags: dict[str, str] = {}
    for text in texts:
        tag = _read_tag(text, field)
        tags.setdefault(tag_key(tag), tag)
    if len(tags) > MAX_TAGS:
        msg = f"must be at most {MAX_TAGS} tags, not {len(tags)}"
        raise InvalidTagError(msg, field=field)
    return list(tags.values())


def with_tags(
    tags: Iterable[str], *, add: Iterable[str], remove: Iterable[str]
) -> list[str]:
    """Return the tags without some of them and with others at the end.

    A tag that is taken away and added is added.

    Raises:
        InvalidTagError: an added tag is not allowed, or there are too many.
    """
    without = {*tag_keys(remove)}
    kept = [tag for tag in tags if tag_key(tag) not in without]
    return read_tags([*kept, *add])


def tag_key(tag: str) -> str:
    """Return the key of a tag, which all its spellings in capitals share."""
    return folded(tag)


def tag_keys(tags: Iterable[str]) -> list[str]:
    return [tag_key(tag) for tag in tags]


def _read_tag(text: str, field: str) -> str:
    tag = unicodedata.normalize("NFC", text.strip())
    if not is_visible(tag):
        msg = "has a tag of only blanks"
        raise InvalidTagError(msg, field=field)
    if len(tag) > MAX_TAG_LENGTH:
        msg = f"has a tag longer than {MAX_TAG_LENGTH} characters"
        raise InvalidTagError(msg, field=field)
    if "," in tag or has_control_character(tag):
        msg = f"has a comma or a control character in {tag!r}"
        raise InvalidTagError(msg, field=field)
    return tag
