"""Which creators, projects and campaigns an event is about."""

from collections.abc import Iterator
from uuid import UUID

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.analytics.snapshot_decoder import VideoSnapshotColumns

_SNAPSHOTS = (
    e.ProfileSnapshotRecorded,
    e.VideoStatsSnapshotRecorded,
    VideoSnapshotColumns,
)
_OF_ITSELF = (
    e.CreatorAdded,
    e.CreatorMoved,
    e.SubjectErased,
    e.HandleChanged,
    e.CampaignCreated,
    e.CampaignDetailsChanged,
    e.CampaignDeleted,
)


def subjects_of(recorded: RecordedEvent) -> Iterator[tuple[UUID, UUID]]:
    """Return the creators, projects and campaigns whose rows an event needs."""
    event = recorded.event
    if isinstance(event, (e.ProjectCreated, e.ProjectDetailsChanged)):
        yield recorded.stream, event.project_id
    elif isinstance(event, e.EarlierTextsForgotten):
        if event.kind in ("project", "campaign"):
            yield event.organization_id, event.of
    elif isinstance(event, _OF_ITSELF):
        yield event.organization_id, recorded.stream
    elif isinstance(event, _SNAPSHOTS) and event.creator_id is not None:
        yield event.organization_id, event.creator_id
