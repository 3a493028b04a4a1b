"""Decodes snapshots of videos straight into columns of numbers."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from domain import events as e
from domain.messages import Event
from infra.eventstore.codec import UnknownEventError
from projections.analytics.fold.columns import (
    Listed,
    ObservedCounts,
    listed,
    observed_counts,
)

SNAPSHOT_OF_VIDEOS = "video_stats_snapshot_recorded"
_MOST_LISTS = 2_000
_ITS_FIRST = 32
_last: dict[bytes, tuple[bytes, Listed]] = {}


class VideoSnapshotColumns(Event, frozen=True, kw_only=True):
    """The event ``VideoStatsSnapshotRecorded`` with its counters as numpy columns."""

    organization_id: UUID
    project_id: UUID | None
    creator_id: UUID | None
    observed_at: datetime
    provider: str
    stored_ids: bytes
    titles: tuple[str | None, ...]
    posted_at: tuple[datetime | None, ...]
    observed: ObservedCounts

    def names(self) -> tuple[str, ...]:
        """Return the videos' ids on TikTok in the order of the list."""
        return _ids_in(self.stored_ids)

    def details(self) -> Iterator[tuple[str, datetime | None, str | None]]:
        """Yield the name, posting time and title of videos with a time or a title."""
        if self.posted_at or self.titles:
            names = self.names()
            nothing = (None,) * len(names)
            known = (names, self.posted_at or nothing, self.titles or nothing)
            for name, posted_at, title in zip(*known, strict=True):
                if posted_at is not None or title is not None:
                    yield name, posted_at, title


class _Stored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields of the stored body that analytics read.

    Most snapshots list the same videos as the creator's last one. Comparing the bytes
    of two lists takes a hundredth of the time of decoding one.
    """

    organization_id: UUID
    project_id: UUID | None = None
    creator_id: UUID | None
    observed_at: datetime
    provider: str
    video_ids: msgspec.Raw
    view_counts: tuple[int | None, ...]
    like_counts: tuple[int | None, ...]
    comment_counts: tuple[int | None, ...]
    share_counts: tuple[int | None, ...]
    save_counts: tuple[int | None, ...]
    titles: tuple[str | None, ...] = ()
    posted_at: tuple[datetime | None, ...] = ()


_decode = msgspec.json.Decoder(_Stored).decode
_decode_ids = msgspec.json.Decoder(tuple[str, ...]).decode


def decode_video_snapshot(body: bytes) -> VideoSnapshotColumns:
    """Return the event that is stored as this body.

    It becomes columns at once. Python numbers of a whole batch would have left the
    processor's cache before they are read again.

    Raises:
        DecodeError, UnknownEventError: the body does not fit the event.
        OverflowError: a counter is not a signed 64-bit number.
    """
    stored = _decode(body)
    ids = bytes(stored.video_ids)
    columns = (
        stored.view_counts,
        stored.like_counts,
        stored.comment_counts,
        stored.share_counts,
        stored.save_counts,
    )
    return VideoSnapshotColumns(
        organization_id=stored.organization_id,
        project_id=stored.project_id,
        creator_id=stored.creator_id,
        observed_at=stored.observed_at,
        provider=stored.provider,
        stored_ids=ids,
        titles=stored.titles,
        posted_at=stored.posted_at,
        observed=observed_counts(_listed(ids), columns),
    )


def as_snapshot_columns(event: e.VideoStatsSnapshotRecorded) -> VideoSnapshotColumns:
    """Return the columns of an event that was decoded as a whole."""
    return decode_video_snapshot(msgspec.json.encode(event))


def _listed(ids: bytes) -> Listed:
    first = ids[:_ITS_FIRST]
    held = _last.get(first)
    if held is not None and held[0] == ids:
        return held[1]
    found = listed(_ids_in(ids))
    if len(_last) >= _MOST_LISTS:
        _last.clear()
    _last[first] = ids, found
    return found


def _ids_in(stored: bytes) -> tuple[str, ...]:
    try:
        return _decode_ids(stored)
    except msgspec.DecodeError as error:
        raise UnknownEventError(SNAPSHOT_OF_VIDEOS, str(error)) from error
