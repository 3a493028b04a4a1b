"""Collects the meaning of a batch of events for analytics, event by event."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.analytics.buckets import slot_of
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.creator_moves import CreatorMove
from projections.analytics.fold.keys import entity_key
from projections.analytics.fold.snapshot_decoder import (
    VideoSnapshotColumns,
    as_snapshot_columns,
)
from projections.analytics.fold.video_changes import erased_change, item_change
from projections.engine.folds import Folds

on = Folds[[RecordedEvent, BatchInput], None]()


def collect(events: Sequence[RecordedEvent], batch: BatchInput) -> None:
    """Add events to a batch that has the rows of the subjects before them."""
    for recorded in events:
        event = recorded.event
        if isinstance(event, VideoSnapshotColumns):
            batch.add_video_counts(recorded, event)
        else:
            on.fold(event, recorded, batch)


@on(e.ProjectCreated)
def _project_created(
    event: e.ProjectCreated, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(recorded.stream, event.project_id)
    row = replace(row, kind="project", position=recorded.position)
    batch.put(row.named(event.name, recorded.position))


@on(e.ProjectDetailsChanged)
def _project_details_changed(
    event: e.ProjectDetailsChanged, recorded: RecordedEvent, batch: BatchInput
) -> None:
    if event.name is not UNSET:
        row = batch.subject(recorded.stream, event.project_id)
        batch.put(row.named(event.name, recorded.position))


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, recorded: RecordedEvent, batch: BatchInput
) -> None:
    if event.kind in ("project", "campaign"):
        row = batch.subject(event.organization_id, event.of)
        (name,) = texts_after(event, ("name",)).values()
        batch.put(row.named(name, recorded.position))


@on(e.CreatorAdded)
def _creator_added(
    event: e.CreatorAdded, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    row = row.of_origin(event.project_id)
    kind = "erased" if row.kind == "erased" else "creator"
    row = replace(row, kind=kind, position=recorded.position)
    batch.put(row.named(event.handle, recorded.position))


@on(e.SubjectErased)
def _subject_erased(
    event: e.SubjectErased, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    is_dropped = event.figures == "drop"
    row = replace(
        row,
        kind="erased" if is_dropped else row.kind,
        erased_position=recorded.position,
        erased_time_zone=event.time_zone,
    )
    batch.put(row.named(event.handle, recorded.position))
    batch.erasures.append((recorded, event))
    for video_id in event.video_ids:
        key = entity_key(event.organization_id, video_id)
        batch.changes[key].append(
            erased_change(
                recorded.position, is_dropped=is_dropped, time_zone=event.time_zone
            )
        )


@on(e.CreatorMoved)
def _creator_moved(
    event: e.CreatorMoved, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    batch.put(row.moved_to(event.new_project_id, recorded.position))
    move = CreatorMove(
        organization_id=event.organization_id,
        creator_id=recorded.stream,
        position=recorded.position,
        project_id=event.new_project_id,
        stays_until=slot_of(recorded.recorded_at) if event.history == "stay" else None,
    )
    batch.moves.append(move)


@on(e.HandleChanged)
def _handle_changed(
    event: e.HandleChanged, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    batch.put(row.named(event.new, recorded.position))


@on(e.CampaignCreated)
def _campaign_created(
    event: e.CampaignCreated, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    row = replace(
        row,
        kind="campaign",
        project_id=event.project_id,
        position=recorded.position,
    )
    batch.put(row.named(event.name, recorded.position))


@on(e.CampaignDetailsChanged)
def _campaign_details_changed(
    event: e.CampaignDetailsChanged, recorded: RecordedEvent, batch: BatchInput
) -> None:
    if event.name is not UNSET:
        row = batch.subject(event.organization_id, recorded.stream)
        batch.put(row.named(event.name, recorded.position))


@on(e.CampaignItemAdded, e.CampaignItemRemoved)
def _campaign_item(
    event: e.CampaignItemAdded | e.CampaignItemRemoved,
    recorded: RecordedEvent,
    batch: BatchInput,
) -> None:
    organization_id, item_id = event.organization_id, event.item_id
    is_added = isinstance(event, e.CampaignItemAdded)
    batch.add_membership(
        recorded, organization_id, event.item_type, item_id, is_added=is_added
    )
    if is_added and event.item_type == "video":
        key = entity_key(organization_id, item_id)
        batch.changes[key].append(item_change(recorded.position))


@on(e.CampaignDeleted)
def _campaign_deleted(
    event: e.CampaignDeleted, recorded: RecordedEvent, batch: BatchInput
) -> None:
    row = batch.subject(event.organization_id, recorded.stream)
    batch.put(replace(row, deleted_position=recorded.position))
    batch.add_membership(
        recorded, event.organization_id, None, recorded.stream, is_added=False
    )


@on(e.ProfileSnapshotRecorded)
def _profile_snapshot(
    event: e.ProfileSnapshotRecorded, recorded: RecordedEvent, batch: BatchInput
) -> None:
    batch.add_profile_counts(recorded, event)


@on(e.VideoStatsSnapshotRecorded)
def _video_stats_snapshot(
    event: e.VideoStatsSnapshotRecorded, recorded: RecordedEvent, batch: BatchInput
) -> None:
    batch.add_video_counts(recorded, as_snapshot_columns(event))


@on(
    e.VideoDiscovered,
    e.VideoAdded,
    e.VideoCameIntoWindow,
    e.VideoIncluded,
    e.VideoExcluded,
    e.VideoPutBack,
    e.VideoTrackingDisabled,
    e.VideoMerged,
)
def _video_event(
    event: e.VideoEvent, recorded: RecordedEvent, batch: BatchInput
) -> None:
    batch.add_video_event(recorded, event)


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
    """Yield the keys of the creators, projects and campaigns that an event names."""
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
