"""Checks of settings that all creators of a pasted text share."""

from collections.abc import Sequence
from datetime import date

from msgspec import UnsetType

from domain.errors import InvalidWindowError
from domain.tags import read_tags


def check_settings(
    tags: Sequence[str] | UnsetType,
    first: date | UnsetType | None,
    last: date | UnsetType | None,
) -> None:
    """Refuse tags, and first and last days, that no creator can have.

    Raises:
        InvalidTagError: a tag is not allowed, or there are too many.
        InvalidWindowError: the days end before they begin.
    """
    if not isinstance(tags, UnsetType):
        read_tags(tags)
    if isinstance(first, date) and isinstance(last, date) and last < first:
        raise InvalidWindowError
