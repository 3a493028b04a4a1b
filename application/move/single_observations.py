"""The observations of single videos: from analytics, and from the later log."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.streams import video_stream
from domain.video.handlers.merge import SingleObservation

_FOLDED = (
    "SELECT coalesce((SELECT position FROM projection WHERE name = 'analytics'), 0)"
)
# Counters and pseudonyms are in the clear.
_LATE = """
SELECT state FROM goatherd_events
WHERE notification_id > %(since)s
AND (%(before)s::bigint IS NULL OR notification_id < %(before)s)
AND topic = 'video_stats_snapshot_recorded'
AND position(%(project)s::bytea IN state) > 0
ORDER BY notification_id
"""
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


class _Snapshot(msgspec.Struct, frozen=True):
    """The fields of a snapshot's body that name videos and their counters."""

    creator_id: UUID | None
    observed_at: datetime
    provider: str
    video_ids: tuple[str, ...]
    view_counts: tuple[int | None, ...]
    like_counts: tuple[int | None, ...]
    comment_counts: tuple[int | None, ...]
    share_counts: tuple[int | None, ...]
    save_counts: tuple[int | None, ...]

    def of(self, at: int) -> SingleObservation:
        """Return the counters of the video at this place of the lists."""
        columns = (
            *(self.view_counts, self.like_counts, self.comment_counts),
            *(self.share_counts, self.save_counts),
        )
        counts = [column[at] for column in columns]
        return SingleObservation(self.observed_at, self.provider, *counts)


_decode = msgspec.json.Decoder(_Snapshot).decode


def observations_of_singles(
    cursor: Cursor[TupleRow],
    video_ids: Collection[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    since: datetime | None = None,
) -> Mapping[UUID, Sequence[SingleObservation]]:
    """Return the observations of single videos of a project, in the order of time.

    Observations up to ``since`` are left out.
    """
    if not video_ids:
        return {}
    row = cursor.execute(_FOLDED).fetchone()
    assert row is not None
    late = _late(cursor, video_ids, project_id, since=row[0], before=None)
    found: dict[UUID, Sequence[SingleObservation]] = {}
    for video_id in video_ids:
        # Analytics may have folded some of the late ones meanwhile.
        both = dict.fromkeys(
            (*_folded(cursor, organization_id, video_id), *late.get(video_id, ()))
        )
        counting = [each for each in both if since is None or each.observed_at > since]
        found[video_id] = sorted(counting, key=attrgetter("observed_at"))
    return found


def were_observed(
    cursor: Cursor[TupleRow],
    video_ids: Collection[UUID],
    project_id: UUID,
    *,
    since: int,
    before: int,
) -> bool:
    """Tell whether runs observed single videos of a project between two positions."""
    return bool(_late(cursor, video_ids, project_id, since=since, before=before))


def _folded(
    cursor: Cursor[TupleRow], organization_id: UUID, video_id: UUID
) -> Iterator[SingleObservation]:
    # This module imports numpy, which most processes never need.
    from projections.analytics.fold.keys import instant_of  # noqa: PLC0415
    from projections.analytics.fold.rollup_deltas import VIDEOS  # noqa: PLC0415
    from projections.analytics.store.snapshots import load_snapshots  # noqa: PLC0415

    key = organization_id, VIDEOS.number, video_id
    for snapshot in load_snapshots(cursor, key, since=instant_of(_BEGINNING)):
        observed = snapshot.observed
        columns = zip(
            observed.missing.tolist(), observed.counts.T.tolist(), strict=True
        )
        for missing, counts in columns:
            # A negative counter is kept as the source gave it, and marked as unknown.
            known = [
                None if missing >> bit & 1 and count >= 0 else count
                for bit, count in enumerate(counts)
            ]
            yield SingleObservation(snapshot.observed_at, snapshot.provider, *known)


def _late(
    cursor: Cursor[TupleRow],
    video_ids: Collection[UUID],
    project_id: UUID,
    *,
    since: int,
    before: int | None,
) -> Mapping[UUID, Sequence[SingleObservation]]:
    params = {
        "since": since,
        "before": before,
        "project": f'"project_id":"{project_id}"'.encode(),
    }
    found: defaultdict[UUID, list[SingleObservation]] = defaultdict(list)
    for (state,) in cursor.execute(_LATE.encode(), params):
        snapshot = _decode(state)
        if snapshot.creator_id is not None:
            continue
        for at, name in enumerate(snapshot.video_ids):
            video_id = video_stream(project_id, name)
            if video_id in video_ids:
                found[video_id].append(snapshot.of(at))
    return found
