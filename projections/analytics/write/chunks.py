"""Cuts a batch of events into parts that fit into memory.

Who moves to another project does so in a part by itself: what comes before it counts in
one project, what comes after it in the other. So is who is erased.
"""

from collections.abc import Iterator, Sequence

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.snapshot_decoder import VideoSnapshotColumns

# The most observations that are in memory at once, however many a batch has.
MOST_OBSERVATIONS = 500_000


def chunks_of_log(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    """Cut a batch into parts of little more than ``MOST_OBSERVATIONS`` each."""
    chunk: list[RecordedEvent] = []
    observations = 0
    for recorded in events:
        event = recorded.event
        if isinstance(event, (e.CreatorMoved, e.SubjectErased)):
            if chunk:
                yield chunk
            yield [recorded]
            chunk, observations = [], 0
            continue
        chunk.append(recorded)
        if isinstance(event, VideoSnapshotColumns):
            observations += len(event.observed)
        elif isinstance(event, e.VideoStatsSnapshotRecorded):
            observations += len(event.video_ids)
        if observations >= MOST_OBSERVATIONS:
            yield chunk
            chunk, observations = [], 0
    if chunk:
        yield chunk
