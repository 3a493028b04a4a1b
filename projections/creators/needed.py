"""The events of a batch whose effects on a creator's row are not overwritten."""

from datetime import datetime

from domain import events as e
from domain.analytics.precision import is_known
from domain.messages import JobType
from infra.eventstore.store import RecordedEvent

RUN_ENDS = (e.ScrapeSucceeded, e.ScrapeFailed)


def needed_events(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """Leave out events of a creator that later events of the same batch overwrite.

    A successful run overwrites earlier ends of runs of its kind. The newest
    observation, if it is complete and not rounded, overwrites all that were recorded
    before it.
    """
    if len(events) == 1:
        return events
    success: dict[JobType, int] = {}
    newest: tuple[datetime, int] | None = None
    whole: RecordedEvent | None = None
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.ScrapeSucceeded):
            success[event.job_type] = recorded.position
        elif isinstance(event, e.ProfileSnapshotRecorded):
            at = (event.observed_at, recorded.position)
            if newest is None or at > newest:
                newest = at
                whole = recorded if _is_whole(event) else None
    observed = -1 if whole is None else whole.position
    return [
        recorded
        for recorded in events
        if recorded.position
        >= (
            success.get(recorded.event.job_type, -1)
            if isinstance(recorded.event, RUN_ENDS)
            else observed
            if isinstance(recorded.event, e.ProfileSnapshotRecorded)
            else 0
        )
    ]


def _is_whole(event: e.ProfileSnapshotRecorded) -> bool:
    return (
        event.precision != "rounded"
        and event.display_name is not None
        and event.avatar_url is not None
        and is_known(event.follower_count)
        and is_known(event.following_count)
        and is_known(event.total_likes_count)
        and is_known(event.video_count)
    )
