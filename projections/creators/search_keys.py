"""Keys of the search for creators: grams of texts, and buckets of followers."""

from collections.abc import Iterable
from uuid import UUID

from domain.letter_case import folded

# goatherd_grams, which makes the index, has the same number.
LONGEST_GRAM = 3


def follower_bucket(follower_count: int | None) -> int:
    """Return the number of binary digits of a follower count; below 0 if unknown.

    The greater of two counts is never in the lesser bucket.
    """
    followers = -1 if follower_count is None else follower_count
    return followers.bit_length() if followers >= 0 else -1 - (~followers).bit_length()


def searched_text(
    handle: str, display_name: str | None, tag_keys: Iterable[str]
) -> str:
    """Return the searched text of a creator: handle, name and tags, one per line.

    ``display_name`` is the one that pages show.
    """
    name = folded(display_name or "")
    return "\n".join(dict.fromkeys((handle, *([name] if name else ()), *tag_keys)))


def search_grams(organization_id: UUID, part: str) -> list[str]:
    """Return the longest grams that every searched text with ``part`` has."""
    mark = organization_id.hex[-6:]
    length = min(LONGEST_GRAM, len(part))
    return sorted({mark + part[n : n + length] for n in range(len(part) - length + 1)})
