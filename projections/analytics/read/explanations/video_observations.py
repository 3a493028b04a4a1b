"""The observations of one video: its counts, and contradicting times of posting."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.events import VideoDiscovered
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.fold.video_changes import (
    DETAILS,
    ERASED,
    Change,
    ObservedDetails,
    decode_changes,
)
from projections.analytics.read.members import counted
from projections.analytics.read.selection import Selection
from projections.analytics.read.snapshots import load_observations
from projections.engine.reader import Reader

_CHANGES = b"""
SELECT id, changes::text FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""
_SAYING = {DETAILS, VideoDiscovered.stored_name}


async def other_posting_times(
    reader: Reader,
    organization_id: UUID,
    ids: Iterable[UUID],
    *,
    at: int | None = None,
) -> dict[UUID, dict[int, datetime]]:
    """Return by video the times that differ from the first known one, by position.

    ``at`` is the position as of which the log is read, None for all of it. Videos
    without such times, and those of erased creators, are left out.
    """
    found: dict[UUID, dict[int, datetime]] = {}
    for id_, text in await reader.rows(organization_id, _CHANGES, ids=list(ids)):
        changes = decode_changes(text)
        if any(change.name == ERASED for change in changes):
            continue
        known = (one for one in changes if at is None or one.position <= at)
        said = dict(_said(known))
        if said and (others := _others(said)):
            found[id_] = others
    return found


def _others(said: dict[int, datetime]) -> dict[int, datetime]:
    first = said[min(said)]
    return {position: time for position, time in said.items() if time != first}


def _said(changes: Iterable[Change]) -> Iterator[tuple[int, datetime]]:
    for change in changes:
        if change.name in _SAYING:
            details = msgspec.json.decode(change.body, type=ObservedDetails)
            if details.posted_at is not None:
                yield change.position, details.posted_at


class ObservedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a video in one scrape; null where its source left one out.

    A negative count is shown as the source gave it, and counts as unknown. ``position``
    is the position of the event in the log. ``other_posted_at`` is a reported time of
    posting that differs from the first known one, which counts.
    """

    observed_at: datetime
    recorded_at: datetime
    provider: str
    scrape_id: UUID
    position: int
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    other_posted_at: datetime | None = None


async def observations_of_video(
    reader: Reader, organization_id: UUID, video_id: UUID, *, until: datetime
) -> list[ObservedVideo]:
    """Return the observations of a video up to an instant, the newest first.

    They have no counts if the video's creator was erased.
    """
    selection = Selection(
        organization_id=organization_id,
        entity="video",
        ids=[video_id],
        metrics=["views"],
        boundaries=[until],
    )
    members = await counted(reader, selection, video_id)
    loaded = await load_observations(
        reader, organization_id, VIDEOS, members[VIDEOS], until
    )
    its = loaded.observations
    is_erased = any(member.is_erased for member in members[VIDEOS])
    unknown = (1 << VIDEOS.counters) - 1 if is_erased else 0
    others = await other_posting_times(reader, organization_id, [video_id])
    contradicting = others.get(video_id, {})
    return [
        ObservedVideo(
            **msgspec.structs.asdict(loaded.sources[int(its.snapshots[nth])]),
            **_counts(
                int(its.missing[nth]) | unknown,
                [0] * VIDEOS.counters if is_erased else its.counts[:, nth].tolist(),
            ),
            other_posted_at=contradicting.get(
                loaded.sources[int(its.snapshots[nth])].position
            ),
        )
        for nth in reversed(range(len(its)))
    ]


def _counts(missing: int, counts: list[int]) -> dict[str, Any]:
    """Return the counts by name; a set bit marks an unknown count.

    Negative counts are unknown, and shown as the source gave them.
    """
    return {
        f"{metric.removesuffix('s')}_count": None
        if missing >> number & 1 and count >= 0
        else count
        for number, (metric, count) in enumerate(
            zip(VIDEOS.metrics, counts, strict=True)
        )
    }
