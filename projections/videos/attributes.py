"""video_attributes: the values of each video that sources report besides counters.

A row exists only for a video of which a snapshot had an attribute.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from domain.video.attributes import Sound, VideoAttributes, hashtag_keys
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table
from projections.videos.erased import erased_among


class VideoSound(Sound, frozen=True, kw_only=True, omit_defaults=False, gc=False):
    __doc__ = Sound.__doc__


# Clients know its schema under this name. Events leave unknown fields of a sound out,
# and answers have every field.
VideoSound.__name__ = Sound.__name__


class VideoAttributesRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest attributes of a video; a value that no source ever had is null.

    ``observed_at`` and ``position`` are those of the newest snapshot with an attribute,
    and ``creator_id`` is the creator of its scrape. ``hashtag_keys`` are the hashtags
    in the spelling of filters.
    """

    organization_id: UUID
    id: UUID
    duration_s: int | None = None
    sound_id: str | None = None
    sound_title: str | None = None
    sound_author: str | None = None
    sound_original: bool | None = None
    hashtags: list[str] | None = None
    hashtag_keys: list[str] | None = None
    mentions: list[str] | None = None
    is_ad: bool | None = None
    is_pinned: bool | None = None
    is_private: bool | None = None
    language: str | None = None
    observed_at: datetime
    position: int
    creator_id: UUID | None = None

    @property
    def sound(self) -> VideoSound | None:
        """Return the sound, None if nothing is known of it."""
        sound = VideoSound(
            id=self.sound_id,
            title=self.sound_title,
            author=self.sound_author,
            original=self.sound_original,
        )
        return None if sound == VideoSound() else sound


_TABLE = Table(VideoAttributesRow, name="video_attributes")
# A sound is known as a whole: the title of one does not go with another's author.
_OF_SOUND = ("sound_id", "sound_title", "sound_author", "sound_original")
_BY_THEMSELVES = (
    *("duration_s", "hashtags", "hashtag_keys", "mentions"),
    *("is_ad", "is_pinned", "is_private", "language"),
)


def write_attributes(cursor: Cursor[TupleRow], events: Iterable[RecordedEvent]) -> None:
    """Fold the attributes in the snapshots among ``events`` into rows."""
    rows = [row for event in events for row in attributes_in_snapshot(event)]
    if not rows:
        return
    # Observations of a video after the erasure of its creator belong to nobody.
    erased = erased_among(cursor, [(row.organization_id, row.id) for row in rows])
    _TABLE.fold(
        cursor,
        [row for row in rows if row.id not in erased],
        key=lambda row: (row.organization_id, row.id),
        fold=_merged,
    )


def load_attributes(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, VideoAttributesRow]:
    """Return the rows with these (organization id, video id) keys, by video."""
    return _TABLE.load(cursor, keys)


def attributes_in_snapshot(recorded: RecordedEvent) -> list[VideoAttributesRow]:
    """Return a row for each video of which a snapshot has an attribute."""
    event = recorded.event
    if not isinstance(event, e.VideoStatsSnapshotRecorded) or event.project_id is None:
        return []
    return [
        VideoAttributesRow(
            organization_id=event.organization_id,
            id=video_stream(event.project_id, name),
            observed_at=event.observed_at,
            position=recorded.position,
            creator_id=event.creator_id,
            **_columns(attributes),
        )
        for name, attributes in event.attributes.items()
    ]


def _columns(attributes: VideoAttributes) -> dict[str, Any]:
    sound, hashtags, mentions = (
        *(attributes.sound or Sound(), attributes.hashtags),
        attributes.mentions,
    )
    return {
        "duration_s": attributes.duration_s,
        "sound_id": sound.id,
        "sound_title": sound.title,
        "sound_author": sound.author,
        "sound_original": sound.original,
        "hashtags": None if hashtags is None else [*hashtags],
        "hashtag_keys": None if hashtags is None else hashtag_keys(hashtags),
        "mentions": None if mentions is None else [*mentions],
        "is_ad": attributes.is_ad,
        "is_pinned": attributes.is_pinned,
        "is_private": attributes.is_private,
        "language": attributes.language,
    }


def _merged(
    row: VideoAttributesRow | None, fresh: VideoAttributesRow
) -> VideoAttributesRow:
    """Return the row after a snapshot; merging a snapshot twice changes nothing.

    The newest observation wins; among equal times the later one in the log. A missing
    attribute stays as it was.
    """
    if row is None:
        return fresh
    is_newer = (fresh.observed_at, fresh.position) > (row.observed_at, row.position)
    new, old = (fresh, row) if is_newer else (row, fresh)
    with_sound = old if new.sound is None else new
    values = {name: getattr(with_sound, name) for name in _OF_SOUND}
    for name in _BY_THEMSELVES:
        value = getattr(new, name)
        values[name] = getattr(old, name) if value is None else value
    both = VideoAttributesRow(
        organization_id=row.organization_id,
        id=row.id,
        observed_at=new.observed_at,
        position=new.position,
        creator_id=new.creator_id or old.creator_id,
        **values,
    )
    return row if both == row else both
