"""Filters of videos, and the number of matching videos."""

from datetime import datetime
from functools import cache
from typing import Any
from unicodedata import normalize
from uuid import UUID

import msgspec

from domain.events import TrackingStatus
from projections.engine.reader import Reader

# Alphabets with letters in two cases lie before this character.
_END_OF_ALPHABETS = 0x1F000
_COUNTED = """
SELECT count(*) FROM videos v LEFT JOIN video_figures f
    ON f.organization_id = %(organization)s AND f.id = v.id
WHERE {conditions}
"""
_HAS = """EXISTS (
SELECT FROM video_attributes a
WHERE a.organization_id = %(organization)s AND a.id = v.id"""
_IDS = _COUNTED.replace("count(*)", "v.id")


class VideoFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of videos; a filter that is not set matches all.

    ``members`` are creators and single videos: a video matches if it is one of the
    videos or belongs to one of the creators. It must have all of ``tag_keys``,
    ``search`` is a part of its title in any letter case, and it was posted from
    ``posted_since`` on, before ``posted_before``. It has all of ``hashtag_keys``, and
    the sound ``sound_id``.
    """

    organization_id: UUID
    statuses: tuple[TrackingStatus, ...]
    project_id: UUID | None = None
    creator_id: UUID | None = None
    members: tuple[frozenset[UUID], frozenset[UUID]] | None = None
    tag_keys: tuple[str, ...] = ()
    search: str | None = None
    posted_since: datetime | None = None
    posted_before: datetime | None = None
    hashtag_keys: tuple[str, ...] = ()
    sound_id: str | None = None

    @property
    def conditions(self) -> str:
        """Return the conditions for the video ``v`` and its figures ``f``."""
        posted = "coalesce(v.posted_at, f.posted_at)"
        conditions = {
            "v.organization_id = %(organization)s": True,
            "v.tracking_status = ANY(%(statuses)s)": True,
            "v.project_id = %(project)s": self.project_id is not None,
            "v.creator_id = %(creator)s": self.creator_id is not None,
            "(v.creator_id = ANY(%(member_creators)s) "
            "OR v.id = ANY(%(member_videos)s))": self.members is not None,
            "v.tag_keys @> %(tags)s": bool(self.tag_keys),
            "coalesce(f.title, v.title) ~ %(search)s": self.search is not None,
            f"{posted} >= %(posted_since)s": self.posted_since is not None,
            f"{posted} < %(posted_before)s": self.posted_before is not None,
            f"{_HAS} AND a.hashtag_keys @> %(hashtags)s)": bool(self.hashtag_keys),
            f"{_HAS} AND a.sound_id = %(sound)s)": self.sound_id is not None,
        }
        return " AND ".join(text for text, is_given in conditions.items() if is_given)

    @property
    def needs_figures(self) -> bool:
        """Tell whether a filter needs more than the indexes of the list."""
        return bool(
            self.members is not None
            or self.tag_keys
            or self.search
            or self.posted_since
            or self.posted_before
            or self.hashtag_keys
            or self.sound_id is not None
        )

    @property
    def parameters(self) -> dict[str, Any]:
        creators, videos = self.members or ((), ())
        return {
            "organization": self.organization_id,
            "statuses": [*self.statuses],
            "project": self.project_id,
            "creator": self.creator_id,
            "member_creators": [*creators],
            "member_videos": [*videos],
            "tags": [*self.tag_keys],
            "search": None if self.search is None else in_any_case(self.search),
            "posted_since": self.posted_since,
            "posted_before": self.posted_before,
            "hashtags": [*self.hashtag_keys],
            "sound": self.sound_id,
        }

    @property
    def ids(self) -> str:
        """Return the query of the matching videos' ids."""
        return _IDS.format(conditions=self.conditions)


async def count_matching(reader: Reader, chosen: VideoFilter) -> int:
    """Return the number of matching videos."""
    query = _COUNTED.format(conditions=chosen.conditions).encode()
    rows = await reader.rows(chosen.organization_id, query, chosen.parameters)
    return rows[0][0]


def in_any_case(text: str) -> str:
    """Return PostgreSQL's regular expression for a text in any letter case.

    The locale of the database is C, in which only A to Z have a lower case.
    """
    return "".join(_in_any_case(char) for char in normalize("NFC", text))


def _in_any_case(char: str) -> str:
    spellings = _spellings().get(char.casefold(), char)
    if len(spellings) > 1:
        return f"[{spellings}]"
    return f"\\{char}" if char.isascii() and not char.isalnum() else char


@cache
def _spellings() -> dict[str, str]:
    """Return the characters with several spellings, by the common form of each."""
    found: dict[str, str] = {}
    for char in filter(str.isalpha, map(chr, range(_END_OF_ALPHABETS))):
        common = char.casefold()
        found[common] = found.get(common, "") + char
    return {common: chars for common, chars in found.items() if len(chars) > 1}
