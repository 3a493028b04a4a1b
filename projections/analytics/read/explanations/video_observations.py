"""The observations of one video: the counts of each scrape."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.read.counted import counted
from projections.analytics.read.explanations.posting_times import other_posting_times
from projections.analytics.read.observations import load_observations
from projections.analytics.read.selection import Selection
from projections.engine.reader import Reader


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
