"""activity: what happened to creators, videos and campaigns, one row for each thing."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.activity import (
    FOLLOWER_MILESTONES,
    VIEW_MILESTONES,
    ActivityKind,
    ObservedSoFar,
    reached,
)
from domain.analytics.precision import is_known
from domain.analytics.summaries.outliers import Outlier
from domain.messages import IMPORT_PROVIDER
from domain.scrape.failures import FailingKind, after_failure, after_success
from domain.streams import activity_row
from infra.eventstore.store import RecordedEvent
from infra.structs import shared_fields
from projections.activity.batch import (
    ACTIVITY,
    ActivityBatch,
    ActivityCreator,
    ActivityOrganization,
    ActivityRow,
    ActivityVideo,
    SubjectType,
    give_to_creator,
    milestone_of,
    organization_of,
    start_of,
)
from projections.engine.folds import Folds
from projections.observed_views import ObservedViews, decode_views

_DECISIONS: Mapping[type[e.VideoEvent], str] = {
    e.VideoIncluded: "included",
    e.VideoExcluded: "excluded",
    e.VideoPutBack: "put_back",
    e.VideoTrackingDisabled: "stopped",
}

on = Folds[[ActivityBatch, RecordedEvent], None]()


def _row(
    recorded: RecordedEvent,
    kind: ActivityKind,
    subject_type: SubjectType,
    subject_id: UUID,
    **fields: Any,  # noqa: ANN401 - the fields of a row
) -> ActivityRow:
    row: dict[str, Any] = {
        "organization_id": organization_of(recorded),
        "id": activity_row(recorded.stream, f"{recorded.version}/{kind}"),
        "kind": kind,
        "at": recorded.recorded_at,
        "position": recorded.position,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "actor": recorded.actor,
        **fields,
    }
    return ActivityRow(**row)


def _of_creator(
    recorded: RecordedEvent,
    kind: ActivityKind,
    creator: ActivityCreator,
    **fields: Any,  # noqa: ANN401 - the fields of a row
) -> ActivityRow:
    return _row(
        recorded,
        kind,
        "creator",
        creator.id,
        **{"project_id": creator.project_id, "creator_id": creator.id, **fields},
    )


def _of_video(
    recorded: RecordedEvent,
    kind: ActivityKind,
    video: ActivityVideo,
    batch: ActivityBatch,
    **fields: Any,  # noqa: ANN401 - the fields of a row
) -> ActivityRow | None:
    """Return a row about a video, None if its creator was erased."""
    creator = batch.creator(video.organization_id, video.creator_id)
    if video.is_erased or (creator and creator.is_erased):
        return None
    return _row(
        recorded,
        kind,
        "video",
        video.id,
        **{
            "project_id": creator.project_id if creator else video.project_id,
            "creator_id": video.creator_id,
            **fields,
        },
    )


@on(e.OrganizationCreated)
def _organization_created(
    event: e.OrganizationCreated, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    if batch.organizations.get(recorded.stream) is None:
        row = ActivityOrganization(
            organization_id=recorded.stream,
            time_zone=event.time_zone,
            position=recorded.position,
        )
        batch.organizations.put(recorded.stream, row)


@on(e.OrganizationSettingsChanged)
def _settings_changed(
    event: e.OrganizationSettingsChanged, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    row = batch.organizations.get(recorded.stream)
    if row is None or row.position >= recorded.position or event.time_zone is UNSET:
        return
    after = replace(row, time_zone=event.time_zone, position=recorded.position)
    batch.organizations.put(recorded.stream, after)


@on(e.CreatorAdded)
def _creator_added(
    event: e.CreatorAdded, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    if batch.creators.get(recorded.stream) is not None:
        return
    creator = ActivityCreator(
        organization_id=event.organization_id,
        id=recorded.stream,
        project_id=event.project_id,
        position=recorded.position,
    )
    batch.creators.put(creator.id, creator)
    batch.add(_of_creator(recorded, "added", creator))


@on(
    e.HandleChanged,
    e.CreatorMoved,
    e.CreatorRemoved,
    e.CreatorReactivated,
    e.CreatorAutoDisabled,
    e.CreatorDisabled,
    e.CreatorReenabled,
)
def _creator_changed(
    event: e.CreatorEvent, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    before = batch.creators.get(recorded.stream)
    if before is None or before.is_erased or before.position >= recorded.position:
        return
    row = replace(before, position=recorded.position)
    match event:
        case e.HandleChanged(old=old, new=new):
            data = {"old": old, "new": new}
            batch.add(_of_creator(recorded, "renamed", row, data=data))
        case e.CreatorMoved(old_project_id=old, new_project_id=new):
            row = replace(row, project_id=new)
            data = {"history": event.history}
            fields = {"from_project_id": old, "data": data}
            batch.add(_of_creator(recorded, "moved", row, **fields))
        case e.CreatorRemoved():
            row = replace(row, untracked_at=recorded.recorded_at)
            batch.add(_of_creator(recorded, "removed", row))
        case e.CreatorReactivated():
            row = replace(row, untracked_at=None, failing_kinds=[])
            data = {"is_back": True}
            batch.add(_of_creator(recorded, "added", row, data=data))
        case e.CreatorAutoDisabled(verdict=verdict, duplicate_of=first):
            row = replace(row, untracked_at=recorded.recorded_at)
            data = {"is_disabled": True, "outcome": verdict, "duplicate_of": first}
            batch.add(_of_creator(recorded, "failing", row, data=data))
        case e.CreatorDisabled():
            # The change log has it. No kind of activity means it.
            row = replace(row, untracked_at=recorded.recorded_at)
        case _:
            row = replace(row, untracked_at=None)
    batch.creators.put(row.id, row)
    if row.untracked_at != before.untracked_at:
        batch.judge_posting(row.organization_id, row.id)


@on(e.ScrapeSucceeded, e.ScrapeFailed)
def _scrape_ended(
    event: e.ScrapeSucceeded | e.ScrapeFailed,
    batch: ActivityBatch,
    recorded: RecordedEvent,
) -> None:
    # An import brings snapshots, but it did not scrape at the time of its run.
    creator = batch.creator(event.organization_id, event.creator_id)
    if (
        creator is None
        or event.provider == IMPORT_PROVIDER
        or creator.run_position >= recorded.position
        or creator.is_erased
    ):
        return
    before = msgspec.convert(creator.failing_kinds, list[FailingKind])
    after = before
    if isinstance(event, e.ScrapeSucceeded):
        after = after_success(before, event.job_type)
    elif creator.untracked_at is None:
        at = recorded.recorded_at
        after = after_failure(before, event.job_type, event.outcome, at=at)
    batch.creators.put(
        creator.id,
        replace(
            creator,
            failing_kinds=msgspec.to_builtins(after),
            run_position=recorded.position,
        ),
    )
    data: dict[str, Any] = {"job_type": event.job_type}
    if before and not after:
        data["failing_since"] = before[0].failing_since
        batch.add(_of_creator(recorded, "recovered", creator, data=data))
    elif after and not before:
        data["outcome"] = after[0].last_outcome
        batch.add(_of_creator(recorded, "failing", creator, data=data))


@on(e.ProfileSnapshotRecorded)
def _profile_observed(
    event: e.ProfileSnapshotRecorded, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    creator = batch.creator(event.organization_id, event.creator_id)
    if creator is None or creator.is_erased:
        return
    creator, is_history = _observed(
        creator, recorded, at=event.observed_at, provider=event.provider
    )
    if is_known(event.follower_count):
        count = reached(event.follower_count, FOLLOWER_MILESTONES)
        before = creator.milestones
        if before is not None and not is_history:
            for milestone in FOLLOWER_MILESTONES[before:count]:
                batch.add(
                    _of_creator(
                        recorded,
                        "milestone",
                        creator,
                        id=milestone_of(creator.id, "followers", milestone),
                        at=event.observed_at,
                        data={
                            "metric": "followers",
                            "milestone": milestone,
                            "count": event.follower_count,
                        },
                    )
                )
        creator = replace(creator, milestones=max(before or 0, count))
    batch.creators.put(creator.id, creator)


def _observed(
    creator: ActivityCreator, recorded: RecordedEvent, *, at: datetime, provider: str
) -> tuple[ActivityCreator, bool]:
    """Return the creator after an observation, and whether it is imported history."""
    observed, is_history = ObservedSoFar(
        creator.observed_at, creator.first_import
    ).then(
        at,
        run=recorded.stream,
        request=recorded.correlation_id,
        is_imported=provider == IMPORT_PROVIDER,
    )
    newest, first = observed.newest, observed.first_import
    return replace(creator, observed_at=newest, first_import=first), is_history


def _views_observed(
    event: ObservedViews | e.VideoStatsSnapshotRecorded,
    batch: ActivityBatch,
    recorded: RecordedEvent,
) -> None:
    if event.project_id is None:
        return
    creator = batch.creator(event.organization_id, event.creator_id)
    is_history = event.provider == IMPORT_PROVIDER
    if creator is not None:
        if creator.is_erased:
            return
        creator, is_history = _observed(
            creator, recorded, at=event.observed_at, provider=event.provider
        )
        batch.creators.put(creator.id, creator)
    listed = batch.listed[recorded.position]
    for video_id, views in zip(listed, event.view_counts, strict=True):
        if not is_known(views):
            continue
        video = batch.videos.get(video_id) or ActivityVideo(
            organization_id=event.organization_id,
            id=video_id,
            project_id=event.project_id,
            creator_id=event.creator_id,
        )
        count, before = reached(views, VIEW_MILESTONES), video.milestones
        if before is not None and count <= before:
            continue
        batch.videos.put(video_id, replace(video, milestones=count))
        if before is None or is_history:
            continue
        for milestone in VIEW_MILESTONES[before:count]:
            row = _of_video(
                recorded,
                "milestone",
                video,
                batch,
                id=milestone_of(video_id, "views", milestone),
                at=event.observed_at,
                data={"metric": "views", "milestone": milestone, "count": views},
            )
            if row is not None:
                batch.add(row)


@on(e.VideoDiscovered)
def _video_discovered(
    event: e.VideoDiscovered, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    video = _with_creator(event, batch, recorded, event.creator_id)
    at = event.posted_at
    row = _of_video(
        recorded,
        "posted",
        video,
        batch,
        id=activity_row(recorded.stream, "posted"),
        at=recorded.recorded_at if at is None else at,
        data={"time_is_unknown": True} if at is None else {},
    )
    if row is not None:
        batch.add(row)
        batch.judge_posting(event.organization_id, event.creator_id)


@on(e.VideoAdded)
def _video_added(
    event: e.VideoAdded, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    row = _of_video(
        recorded, "added", _with_creator(event, batch, recorded, None), batch
    )
    if row is not None:
        batch.add(row)


@on(e.VideoMerged)
def _video_merged(
    event: e.VideoMerged, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    video = batch.videos.get(recorded.stream)
    if video is not None:
        after = replace(video, creator_id=event.creator_id)
        batch.videos.put(video.id, after)


@on(*_DECISIONS)
def _video_reviewed(
    event: e.VideoEvent, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    video = batch.videos.get(recorded.stream)
    if video is None:
        return
    data = {"decision": _DECISIONS[type(event)]}
    row = _of_video(recorded, "reviewed", video, batch, data=data)
    if row is not None:
        batch.add(row)


@on(e.VideoTookOff)
def _video_took_off(
    event: e.VideoTookOff, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    video = batch.videos.get(recorded.stream)
    if video is None:
        return
    data = shared_fields(Outlier, event)
    row = _of_video(recorded, "took_off", video, batch, data=data)
    if row is not None:
        batch.add(row)


def _with_creator(
    event: e.VideoDiscovered | e.VideoAdded,
    batch: ActivityBatch,
    recorded: RecordedEvent,
    creator_id: UUID | None,
) -> ActivityVideo:
    """Store the creator of a video, and return the video."""
    before = batch.videos.get(recorded.stream) or ActivityVideo(
        organization_id=event.organization_id,
        id=recorded.stream,
        project_id=event.project_id,
    )
    video = replace(before, creator_id=creator_id or before.creator_id)
    batch.videos.put(video.id, video)
    return video


@on(e.AnnotationAdded)
def _note_added(
    event: e.AnnotationAdded, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    creator_id = None
    if event.scope == "creator":
        creator_id = event.scope_id
    elif event.scope == "video":
        video = batch.videos.get(event.scope_id)
        if video is not None and video.is_erased:
            return
        creator_id = None if video is None else video.creator_id
    creator = batch.creator(event.organization_id, creator_id)
    if creator is not None and creator.is_erased:
        return
    batch.add(
        _row(
            recorded,
            "note",
            "organization" if event.scope == "org" else event.scope,
            event.scope_id,
            # The row has the id of the note, where its present text is found.
            id=recorded.stream,
            project_id=event.project_id,
            creator_id=creator_id,
        )
    )


@on(e.AnnotationDeleted)
def _note_deleted(
    event: e.AnnotationDeleted, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    batch.delete(event.organization_id, recorded.stream)


@on(e.CampaignCreated)
def _campaign_created(
    event: e.CampaignCreated, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    row = _row(
        recorded,
        "campaign_started",
        "campaign",
        recorded.stream,
        id=start_of(recorded.stream),
        project_id=event.project_id,
    )
    batch.add(_started(batch, row, event.starts_on, recorded.recorded_at))


@on(e.CampaignDetailsChanged)
def _campaign_changed(
    event: e.CampaignDetailsChanged, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    row = batch.start(recorded.stream)
    if row is None or row.position >= recorded.position or event.starts_on is UNSET:
        return
    created_at = msgspec.convert(row.data["created_at"], datetime)
    row = replace(row, position=recorded.position)
    batch.put(_started(batch, row, event.starts_on, created_at))


@on(e.CampaignTargetReached, e.CampaignTargetMissed)
def _target_reported(
    event: e.CampaignTargetReached | e.CampaignTargetMissed,
    batch: ActivityBatch,
    recorded: RecordedEvent,
) -> None:
    start = batch.start(recorded.stream)
    if start is None:
        return
    has_reached = isinstance(event, e.CampaignTargetReached)
    batch.add(
        _row(
            recorded,
            "campaign_target_reached" if has_reached else "campaign_target_missed",
            "campaign",
            recorded.stream,
            at=event.reached_at if has_reached else event.target_at,
            project_id=start.project_id,
            data={
                "metric": event.metric,
                "target": event.target,
                "target_scope": event.target_scope,
                "reached": event.reached,
            },
        )
    )


@on(e.CampaignDeleted)
def _campaign_deleted(
    event: e.CampaignDeleted, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    row = batch.start(recorded.stream)
    if row is not None and row.at > recorded.recorded_at:
        batch.delete(event.organization_id, row.id)


def _started(
    batch: ActivityBatch, row: ActivityRow, starts_on: date | None, created: datetime
) -> ActivityRow:
    """Return the row with the instant at which the campaign begins.

    A campaign without a first day begins when it is created.
    """
    return replace(
        row,
        at=batch.begins(row.organization_id, starts_on, created),
        data={"starts_on": starts_on, "created_at": created},
    )


@on(e.SubjectErased)
def _erased(
    event: e.SubjectErased, batch: ActivityBatch, recorded: RecordedEvent
) -> None:
    creator = batch.creators.get(recorded.stream)
    if creator is None:
        return
    creator = replace(creator, is_erased=True, failing_kinds=[])
    batch.creators.put(creator.id, creator)
    data = {"figures": event.figures, "number": event.number}
    batch.add(_of_creator(recorded, "erased", creator, data=data))


_FORGET = b"""
DELETE FROM activity a
WHERE organization_id = %(organization)s AND kind <> 'erased'
AND (creator_id = %(creator)s OR subject_id = ANY(%(videos)s) OR subject_id IN (
    SELECT id FROM activity_videos
    WHERE organization_id = %(organization)s AND creator_id = %(creator)s
))
"""
_FORGET_VIDEOS = b"""
UPDATE activity_videos SET is_erased = true
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s OR id = ANY(%(videos)s))
"""
_STARTS = b"""
SELECT organization_id, id FROM activity
WHERE organization_id = %b AND kind = 'campaign_started'
"""


class Activity:
    """Keeps the table activity, and the state that its rules need."""

    name = "activity"
    version = 2
    tables = (
        *("activity", "activity_organizations"),
        *("activity_creators", "activity_videos"),
    )
    events = on.events | {e.VideoStatsSnapshotRecorded.stored_name}
    decoders = {e.VideoStatsSnapshotRecorded.stored_name: decode_views}  # noqa: RUF012 - never changed

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events``; some change rows that were made before them.

        These are erasures, merges of videos and new time zones.
        """
        part: list[RecordedEvent] = []
        for recorded in events:
            part.append(recorded)
            event = recorded.event
            if isinstance(event, e.SubjectErased):
                _apply(cursor, part)
                _forget(cursor, event, recorded.stream)
                part = []
            elif isinstance(event, e.VideoMerged):
                _apply(cursor, part)
                give_to_creator(cursor, event, recorded)
                part = []
            elif (
                isinstance(event, e.OrganizationSettingsChanged)
                and event.time_zone is not UNSET
            ):
                _apply(cursor, part)
                _begin_anew(cursor, recorded)
                part = []
        _apply(cursor, part)


def _apply(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    if not events:
        return
    batch = ActivityBatch(cursor, events)
    for recorded in events:
        event = recorded.event
        if isinstance(event, ObservedViews | e.VideoStatsSnapshotRecorded):
            _views_observed(event, batch, recorded)
        else:
            on.fold(event, batch, recorded)
    batch.save()


def _forget(cursor: Cursor[TupleRow], event: e.SubjectErased, creator_id: UUID) -> None:
    """Delete all rows about an erased person but the one that says so."""
    params = {
        "organization": event.organization_id,
        "creator": creator_id,
        "videos": list(event.video_ids),
    }
    cursor.execute(_FORGET, params, prepare=True)
    cursor.execute(_FORGET_VIDEOS, params, prepare=True)


def _begin_anew(cursor: Cursor[TupleRow], recorded: RecordedEvent) -> None:
    """Let campaigns begin with their first day in the present time zone."""
    keys = cursor.execute(_STARTS, (recorded.stream,)).fetchall()
    batch = ActivityBatch(cursor, [recorded])
    rows = ACTIVITY.load(cursor, [(key[0], key[1]) for key in keys])
    for row in rows.values():
        first, created = row.data["starts_on"], row.data["created_at"]
        batch.put(
            _started(
                batch,
                row,
                None if first is None else date.fromisoformat(first),
                msgspec.convert(created, datetime),
            )
        )
    batch.save()
