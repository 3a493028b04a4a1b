"""annotations: the notes of people, and events on charts that follow from the log."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.annotation.observed_times import provider_before, with_observation
from domain.messages import IMPORT_PROVIDER, set_fields
from domain.organization.decider import HOURS
from domain.streams import system_annotation
from domain.summaries import of_a_creator
from infra.eventstore.store import RecordedEvent
from projections.annotations.batch import AnnotationBatch, system_row
from projections.annotations.rows import KnownCreator, KnownOrganization
from projections.engine.erasures import cut_at_erasures
from projections.engine.folds import Folds

_OF_CREATORS = get_args(e.CreatorEvent)
_OF_NOTES = get_args(e.AnnotationEvent)

on = Folds[[AnnotationBatch, RecordedEvent], None]()


@on(e.OrganizationCreated)
def _organization_created(
    event: e.OrganizationCreated, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    if batch.organizations.get(recorded.stream) is None:
        row = KnownOrganization(
            organization_id=recorded.stream,
            plan=event.plan,
            time_zone=event.time_zone,
            position=recorded.position,
        )
        batch.organizations.put(recorded.stream, row)


@on(e.PlanChanged)
def _plan_changed(
    event: e.PlanChanged, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    row = batch.organizations.get(recorded.stream)
    if row is not None and row.position < recorded.position:
        after = replace(row, plan=event.new, position=recorded.position)
        batch.organizations.put(recorded.stream, after)


@on(e.OrganizationSettingsChanged)
def _settings_changed(
    event: e.OrganizationSettingsChanged,
    batch: AnnotationBatch,
    recorded: RecordedEvent,
) -> None:
    row = batch.organizations.get(recorded.stream)
    if row is None or row.position >= recorded.position:
        return
    after = replace(
        row, **set_fields(event, ("time_zone", *HOURS)), position=recorded.position
    )
    batch.organizations.put(recorded.stream, after)
    if event.time_zone is not UNSET and event.time_zone != row.time_zone:
        text = f"Days are those of {event.time_zone} now, not of {row.time_zone}"
        batch.annotations.put(
            system_row(
                recorded,
                "org",
                recorded.stream,
                text=text,
                day=batch.day(recorded.stream, recorded.recorded_at),
            )
        )


@on(*_OF_CREATORS)
def _creator_changed(
    event: e.CreatorEvent, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    before = batch.creators.get(recorded.stream)
    if before is not None and before.position >= recorded.position:
        return
    if isinstance(event, e.CreatorAdded):
        row = KnownCreator(
            organization_id=event.organization_id,
            id=recorded.stream,
            project_id=event.project_id,
            position=recorded.position,
        )
    elif before is None:
        return
    elif isinstance(event, e.CreatorMoved):
        row = replace(
            before, project_id=event.new_project_id, position=recorded.position
        )
        if row.is_tracked:
            batch.count_tracked(before, change=-1, position=recorded.position)
            batch.count_tracked(row, change=1, position=recorded.position)
    else:
        is_tracked = _is_tracked(event, default=before.is_tracked)
        row = replace(before, is_tracked=is_tracked, position=recorded.position)
    batch.creators.put(recorded.stream, row)
    change = row.is_tracked - (before is not None and before.is_tracked)
    if change:
        batch.count_tracked(row, change=change, position=recorded.position)
    if not isinstance(event, e.CreatorDetailsChanged):
        batch.annotations.put(
            system_row(
                recorded,
                "creator",
                recorded.stream,
                text=of_a_creator(event).removesuffix(","),
                day=batch.day(event.organization_id, recorded.recorded_at),
            )
        )


@on(e.ScrapeSucceeded)
def _scraped(
    event: e.ScrapeSucceeded, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    creator = None if event.creator_id is None else batch.creators.get(event.creator_id)
    row = None if creator is None else batch.projects.get(creator.project_id)
    if row is None or row.position >= recorded.position:
        return
    before, at = row.known, event.observed_at
    provider = None if event.provider == IMPORT_PROVIDER else event.provider
    longest = batch.longest_gap(event.organization_id)
    after = with_observation(before, at, provider=provider, longest=longest)
    position = recorded.position
    batch.projects.put(row.id, replace(row, observed_times=after, position=position))
    if after.gaps is not before.gaps:
        batch.change_gaps(row, before.gaps, after.gaps, position)
    other = None if provider is None else provider_before(before, at, provider)
    if other is not None:
        batch.annotations.put(
            system_row(
                recorded,
                "project",
                row.id,
                text=f"Observed by the provider {provider}, before by {other}",
                day=batch.day(event.organization_id, at),
                actor=None,
            )
        )


@on(e.CampaignCreated, e.CampaignDetailsChanged)
def _campaign_dated(
    event: e.CampaignCreated | e.CampaignDetailsChanged,
    batch: AnnotationBatch,
    recorded: RecordedEvent,
) -> None:
    days = (("start", event.starts_on), ("end", event.ends_on))
    for what, day in days:
        if isinstance(day, date):
            row = system_row(
                recorded,
                "campaign",
                recorded.stream,
                text=f"The campaign {what}s",
                day=day,
                what=what,
            )
            batch.annotations.put(row)
        elif day is None:
            annotation_id = system_annotation(recorded.stream, what)
            batch.annotations.delete(event.organization_id, annotation_id)


@on(e.CampaignDeleted)
def _campaign_deleted(
    event: e.CampaignDeleted, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    for what in ("start", "end"):
        annotation_id = system_annotation(recorded.stream, what)
        batch.annotations.delete(event.organization_id, annotation_id)


@on(*_OF_NOTES)
def _noted(
    _: e.AnnotationEvent, batch: AnnotationBatch, recorded: RecordedEvent
) -> None:
    batch.annotations.fold(recorded)


_DELETE_OF_CREATOR = """
DELETE FROM annotations WHERE organization_id = %(organization)s
AND scope = 'creator' AND scope_id = %(creator)s AND position < %(position)s
"""


class Annotations:
    """Keeps annotations, and the tables that the rules of system annotations need."""

    name = "annotations"
    version = 3
    tables = (
        "annotations",
        "annotation_organizations",
        "annotation_projects",
        "annotation_creators",
    )
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events`` in their order, and save each changed row once."""
        for part, erasure in cut_at_erasures(events):
            if part:
                _write(cursor, part)
            if erasure is not None:
                # Annotations may name the creator, and notes may be about them.
                erasure.execute(cursor, _DELETE_OF_CREATOR)
                _write(cursor, [erasure.recorded])


def _write(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    batch = AnnotationBatch(cursor, events)
    for recorded in events:
        on.fold(recorded.event, batch, recorded)
    batch.save(cursor)


def _is_tracked(event: e.CreatorEvent, *, default: bool) -> bool:
    match event:
        case e.CreatorReactivated() | e.CreatorReenabled():
            return True
        case (
            e.CreatorRemoved()
            | e.CreatorAutoDisabled()
            | e.CreatorDisabled()
            | e.SubjectErased()
        ):
            return False
        case _:
            return default
