"""feed: the public events that follow from the log, one row for each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.activity import FOLLOWER_MILESTONES, VIEW_MILESTONES, ObservedSoFar, reached
from domain.analytics.precision import is_known
from domain.feed.making import target_time
from domain.feed.types import FOLLOWED, types_of
from domain.messages import IMPORT_PROVIDER, Event
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import ErasedSubject, cut_at_erasures
from projections.engine.folds import stored_names
from projections.feed.batch import FeedBatch, FeedRow, FeedSubject, organization_of
from projections.observed_views import ObservedViews, decode_views

# The lowest milestone of views: most videos never reach it.
_FIRST = VIEW_MILESTONES[0]

# An erasure that drops the figures leaves what people decided about the creator.
_DROP = """
DELETE FROM feed WHERE organization_id = %(organization)s
AND creator_id = %(creator)s
AND (type LIKE 'video.%%' OR type LIKE 'alert.%%'
     OR type IN ('creator.milestone', 'scrape.failed'))
"""
# A single video belongs to nobody when its events are stored.
_DROP_SINGLES = """
DELETE FROM feed WHERE organization_id = %(organization)s
AND creator_id IS NULL AND subject_id = ANY(%(videos)s::uuid[] || %(scrapes)s::uuid[])
"""
_FORGET_VIEWS = """
DELETE FROM feed_views WHERE organization_id = %(organization)s AND id = %(creator)s
"""


class Feed:
    """Keeps the tables feed, feed_subjects and feed_views."""

    name = "feed"
    version = 2
    tables = ("feed", "feed_subjects", "feed_views")
    events = stored_names(
        *FOLLOWED,
        *(e.ProfileSnapshotRecorded, e.VideoStatsSnapshotRecorded),
        *(e.VideoAdded, e.VideoMerged),
    )
    decoders = {e.VideoStatsSnapshotRecorded.stored_name: decode_views}  # noqa: RUF012 - never changed

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events``; an erasure finds all rows from before it."""
        for part, erasure in cut_at_erasures(events):
            together = [*part, erasure.recorded] if erasure is not None else part
            _apply(cursor, together)
            if erasure is not None:
                _erase(cursor, erasure)


def _apply(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    events = [_compact(recorded) for recorded in events]
    batch = FeedBatch(cursor, events)
    for recorded in events:
        event = recorded.event
        match event:
            case e.ProfileSnapshotRecorded():
                _profile_observed(event, batch, recorded)
            case ObservedViews():
                _views_observed(event, batch, recorded)
            case _:
                _happened(event, batch, recorded)
    batch.save()


def _compact(recorded: RecordedEvent) -> RecordedEvent:
    """Return the event with the views alone; a follower has decoded it like this."""
    event = recorded.event
    if not isinstance(event, e.VideoStatsSnapshotRecorded):
        return recorded
    names = ObservedViews.__struct_fields__
    views = ObservedViews(**{name: getattr(event, name) for name in names})
    return replace(recorded, event=views)


def _erase(cursor: Cursor[TupleRow], erasure: ErasedSubject) -> None:
    erasure.execute(cursor, _FORGET_VIEWS)
    if erasure.is_dropped:
        erasure.execute(cursor, _DROP, _DROP_SINGLES)


def _happened(event: Event, batch: FeedBatch, recorded: RecordedEvent) -> None:
    """Change the state of the event's subject, and add the rows that follow."""
    organization_id = organization_of(recorded)
    state = _changed(event, batch, recorded)
    project_id = None
    if isinstance(event, e.MemberAdded | e.MemberRemoved):
        subject_id, state = event.person_id, None
    elif isinstance(event, e.SourceFailing | e.SourceRecovered):
        subject_id = recorded.stream
    elif isinstance(event, e.ImportFinished):
        subject_id, project_id = recorded.stream, event.project_id
    elif isinstance(event, e.AlertOpened | e.AlertResolved):
        subject_id, project_id = recorded.stream, event.project_id
        state = batch.subject(organization_id, event.creator_id)
    elif isinstance(event, e.ReportIssued):
        subject_id, scope = recorded.stream, event.scope
        if scope.type == "project":
            project_id = scope.id
        elif scope.id is not None:
            batch.load(organization_id, [scope.id])
            state = batch.subject(organization_id, scope.id)
    elif isinstance(event, e.ScrapeFailed):
        subject_id = recorded.stream
        state = batch.subject(organization_id, event.creator_id)
        if event.provider == IMPORT_PROVIDER:
            return
    elif state is None:
        return
    else:
        subject_id = state.id
    creator = (
        None if state is None else batch.subject(organization_id, state.creator_id)
    )
    # A report has no name of its creator, and each issue of it is an event.
    if _is_erased(creator, recorded) and not isinstance(event, e.ReportIssued):
        return
    place = creator or state
    if place is not None:
        project_id = place.project_id
    for ordinal, type_ in enumerate(types_of(event)):
        batch.add(
            FeedRow(
                organization_id=organization_id,
                position=recorded.position,
                ordinal=ordinal,
                type=type_.name,
                at=_time(event, recorded),
                subject_id=subject_id,
                project_id=project_id,
                from_project_id=event.old_project_id
                if isinstance(event, e.CreatorMoved)
                else None,
                creator_id=None if creator is None else creator.id,
            )
        )


def _time(event: Event, recorded: RecordedEvent) -> datetime:
    """Return the time at which it happened."""
    if isinstance(event, e.CampaignTargetReached | e.CampaignTargetMissed):
        return target_time(event)
    if isinstance(event, e.AlertResolved):
        return event.at
    return recorded.recorded_at


def _is_erased(creator: FeedSubject | None, recorded: RecordedEvent) -> bool:
    """Tell whether the creator was erased before the event."""
    if creator is None or creator.erased_at is None:
        return False
    return creator.erased_at != recorded.position


def _changed(
    event: Event, batch: FeedBatch, recorded: RecordedEvent
) -> FeedSubject | None:
    """Return the state of the event's subject after the event, and store a change."""
    organization_id, position = organization_of(recorded), recorded.position
    before = batch.subject(organization_id, recorded.stream)
    after = before
    match event:
        case e.CreatorAdded() | e.CampaignCreated() | e.VideoAdded():
            if before is None:
                after = FeedSubject(
                    organization_id=organization_id,
                    id=recorded.stream,
                    project_id=event.project_id,
                    creator_id=recorded.stream
                    if isinstance(event, e.CreatorAdded)
                    else None,
                    position=position,
                )
        case e.VideoDiscovered() if before is None:
            after = FeedSubject(
                organization_id=organization_id,
                id=recorded.stream,
                project_id=event.project_id,
                creator_id=event.creator_id,
                position=position,
            )
        case e.VideoDiscovered() | e.VideoMerged():
            if before is not None and before.position < position:
                creator_id = event.creator_id
                after = replace(before, creator_id=creator_id, position=position)
        case e.CreatorMoved(new_project_id=new):
            if before is not None and before.position < position:
                after = replace(before, project_id=new, position=position)
        case e.SubjectErased():
            if before is not None:
                after = replace(before, erased_at=position)
        case _:
            pass
    if after is not None and after is not before:
        batch.put(after)
    return after


def _profile_observed(
    event: e.ProfileSnapshotRecorded, batch: FeedBatch, recorded: RecordedEvent
) -> None:
    creator = batch.subject(event.organization_id, event.creator_id)
    if creator is None or creator.erased_at is not None:
        return
    creator, is_history = _observed(creator, event, recorded)
    if is_known(event.follower_count):
        count = reached(event.follower_count, FOLLOWER_MILESTONES)
        before = creator.reached
        if before is not None and not is_history:
            for ordinal, milestone in enumerate(FOLLOWER_MILESTONES[before:count]):
                batch.add(
                    FeedRow(
                        organization_id=event.organization_id,
                        position=recorded.position,
                        ordinal=ordinal,
                        type="creator.milestone",
                        at=event.observed_at,
                        subject_id=creator.id,
                        project_id=creator.project_id,
                        creator_id=creator.id,
                        milestone=milestone,
                        count=event.follower_count,
                    )
                )
        creator = replace(creator, reached=max(before or 0, count))
    batch.put(creator)


def _observed(
    creator: FeedSubject,
    event: e.ProfileSnapshotRecorded | ObservedViews,
    recorded: RecordedEvent,
) -> tuple[FeedSubject, bool]:
    """Return the creator after an observation, and whether it is imported history."""
    observed, is_history = ObservedSoFar(
        creator.observed_at, creator.first_import
    ).then(
        event.observed_at,
        run=recorded.stream,
        request=recorded.correlation_id,
        is_imported=event.provider == IMPORT_PROVIDER,
    )
    newest, first = observed.newest, observed.first_import
    return replace(creator, observed_at=newest, first_import=first), is_history


def _views_observed(
    event: ObservedViews, batch: FeedBatch, recorded: RecordedEvent
) -> None:
    if event.project_id is None:
        return
    creator = batch.subject(event.organization_id, event.creator_id)
    if creator is None:
        passed = _passed_by_singles(event, batch)
        is_history = event.provider == IMPORT_PROVIDER
    elif creator.erased_at is not None:
        return
    else:
        creator, is_history = _observed(creator, event, recorded)
        batch.put(creator)
        passed = _passed(event, creator, batch)
    if is_history:
        return
    milestones = (
        (each, milestone)
        for each in passed
        for milestone in VIEW_MILESTONES[each.before : each.after]
    )
    for ordinal, (each, milestone) in enumerate(milestones):
        batch.add(
            FeedRow(
                organization_id=event.organization_id,
                position=recorded.position,
                ordinal=ordinal,
                type="video.milestone",
                at=event.observed_at,
                subject_id=each.video_id,
                project_id=each.project_id,
                creator_id=each.creator_id,
                milestone=milestone,
                count=each.views,
            )
        )


class _Passed(NamedTuple):
    """A video, its views, and its milestones before and after an observation."""

    video_id: UUID
    project_id: UUID
    creator_id: UUID | None
    views: int
    before: int
    after: int


def _passed(
    event: ObservedViews, creator: FeedSubject, batch: FeedBatch
) -> list[_Passed]:
    """Return the milestones that videos of a creator passed, and store them.

    A video that the creator's scrapes list for the first time may have been observed as
    a single video.
    """
    known = batch.views(creator.organization_id, creator.id)
    risen: list[tuple[str, int, int]] = []
    for name, views in zip(event.video_ids, event.view_counts, strict=True):
        if not is_known(views):
            continue
        before = known.get(name)
        # Most videos have been observed, and are below the first milestone.
        if before is not None and views < _FIRST:
            continue
        count = reached(views, VIEW_MILESTONES)
        if before is None or count > before:
            risen.append((name, views, count))
    if not risen:
        return []
    changed = {name: count for name, _, count in risen}
    assert event.project_id is not None
    ids = {name: video_stream(event.project_id, name) for name, _, n in risen if n > 0}
    fresh = [name for name in ids if name not in known]
    batch.load(creator.organization_id, [ids[name] for name in fresh])
    passed: list[_Passed] = []
    for name, views, count in risen:
        before = known.get(name)
        if name in ids and before is None:
            single = batch.subject(creator.organization_id, ids[name])
            before = None if single is None else single.reached
            changed[name] = max(before or 0, count)
        if before is not None and count > before:
            of = creator.project_id, creator.id
            passed.append(_Passed(ids[name], *of, views, before, count))
    batch.put_views(creator.organization_id, creator.id, known | changed)
    return passed


def _passed_by_singles(event: ObservedViews, batch: FeedBatch) -> list[_Passed]:
    """Return the milestones that videos passed, and store them.

    They were requested as single videos. One that got a creator meanwhile has its
    milestones with those of the creator's videos.
    """
    organization_id, project_id = event.organization_id, event.project_id
    assert project_id is not None
    ids = [video_stream(project_id, name) for name in event.video_ids]
    batch.load(organization_id, ids)
    passed: list[_Passed] = []
    for name, id_, views in zip(event.video_ids, ids, event.view_counts, strict=True):
        video = batch.subject(organization_id, id_) or FeedSubject(
            organization_id=organization_id, id=id_, project_id=project_id, position=0
        )
        creator = batch.subject(organization_id, video.creator_id)
        if not is_known(views) or (creator and creator.erased_at is not None):
            continue
        before, count = video.reached, reached(views, VIEW_MILESTONES)
        of_creator: dict[str, int] = {}
        if creator is not None:
            of_creator = batch.views(organization_id, creator.id)
            before = _larger(before, of_creator.get(name))
        if before is None or count > before:
            if creator is not None:
                of_creator = of_creator | {name: count}
                batch.put_views(organization_id, creator.id, of_creator)
            else:
                batch.put(replace(video, reached=count))
        if before is not None and count > before:
            of = (creator or video).project_id, creator and creator.id
            passed.append(_Passed(id_, *of, views, before, count))
    return passed


def _larger(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)
