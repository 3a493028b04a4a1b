"""creator_list: one row for each creator, for the list, the search and its page."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.precision import Level, is_known, next_level
from domain.creator.decider import DETAILS, Status
from domain.messages import BY_HAND, IMPORT_PROVIDER, JobType, copied, set_fields
from domain.scrape.failures import after_failure, after_success
from domain.tags import tag_keys
from infra.eventstore.store import RecordedEvent
from projections.creators.creator import (
    COUNTS,
    CreatorRow,
    erased_row,
    failing_columns,
    failing_kinds,
)
from projections.creators.search_keys import follower_bucket, searched_text
from projections.engine.folds import Folds
from projections.engine.table import Table

_RUN_ENDS = (e.ScrapeSucceeded, e.ScrapeFailed)
# These folds of the creator's own events return the columns that an event sets.
on_decision = Folds[[], dict[str, Any]]()
on = Folds[[CreatorRow | None, RecordedEvent], CreatorRow | None]()


@on(e.CreatorAdded)
def _added(
    event: e.CreatorAdded, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    return row or copied(
        event,
        CreatorRow,
        id=recorded.stream,
        tiktok_handle=event.handle,
        tag_keys=(keys := tag_keys(event.tags)),
        searched=searched_text(event.handle, None, keys),
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on_decision(e.HandleChanged)
def _handle_changed(event: e.HandleChanged) -> dict[str, Any]:
    return {"tiktok_handle": event.new, "duplicate_of": None}


@on_decision(e.CreatorDetailsChanged)
def _details_changed(event: e.CreatorDetailsChanged) -> dict[str, Any]:
    changed = set_fields(event, DETAILS)
    if event.tags is not UNSET:
        changed["tag_keys"] = tag_keys(event.tags)
    return changed


@on_decision(e.TrackingModeChanged)
def _mode_changed(event: e.TrackingModeChanged) -> dict[str, Any]:
    return {"tracking_mode": event.new}


@on_decision(e.TrackingWindowChanged)
def _window_changed(event: e.TrackingWindowChanged) -> dict[str, Any]:
    return {
        "tracking_start_date": event.tracking_start_date,
        "tracking_end_date": event.tracking_end_date,
    }


@on_decision(e.CreatorMoved)
def _moved(event: e.CreatorMoved) -> dict[str, Any]:
    return {"project_id": event.new_project_id}


@on_decision(e.CreatorRemoved)
def _removed(_: e.CreatorRemoved) -> dict[str, Any]:
    return {"status": "removed", "disabled_reason": None}


@on_decision(e.CreatorReactivated)
def _reactivated(event: e.CreatorReactivated) -> dict[str, Any]:
    return {
        "status": "active",
        "tracking_mode": event.tracking_mode,
        "tracking_start_date": event.tracking_start_date,
        "tracking_end_date": event.tracking_end_date,
        # A creator that comes back was added anew, and may be another account.
        "last_outcome": None,
        "failing_since": None,
        "failed_scrapes": 0,
        "failing_kinds": [],
        "duplicate_of": None,
    }


@on_decision(e.CreatorAutoDisabled)
def _auto_disabled(event: e.CreatorAutoDisabled) -> dict[str, Any]:
    return {
        "status": "disabled",
        "disabled_reason": event.verdict,
        "duplicate_of": event.duplicate_of,
    }


@on_decision(e.CreatorDisabled)
def _disabled(_: e.CreatorDisabled) -> dict[str, Any]:
    return {"status": "disabled", "disabled_reason": BY_HAND}


@on_decision(e.CreatorContactChanged)
def _contact_changed(_: e.CreatorContactChanged) -> dict[str, Any]:
    return {}


@on_decision(e.CreatorOptedOut)
def _opted_out(_: e.CreatorOptedOut) -> dict[str, Any]:
    return {}


@on_decision(e.CreatorReenabled)
def _reenabled(_: e.CreatorReenabled) -> dict[str, Any]:
    return {"status": "active", "disabled_reason": None, "duplicate_of": None}


@on(e.CreatorConnected)
def _connected(
    _: e.CreatorConnected, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    return _decided(row, recorded, {"connected_at": recorded.recorded_at})


@on_decision(e.CreatorConnectionLost)
def _connection_lost(_: e.CreatorConnectionLost) -> dict[str, Any]:
    return {"connected_at": None}


@on(e.SubjectErased)
def _erased(
    event: e.SubjectErased, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    """Keep only the counts of an erased creator, or nothing if figures were dropped."""
    if row is None or recorded.version <= row.version:
        return row
    return erased_row(row, event, recorded)


@on(e.ProfileSnapshotRecorded)
def _profile_observed(
    event: e.ProfileSnapshotRecorded, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    """Apply an observation if it is the newest; among equal times the later one wins.

    Values that the newest observation left out stay as last known. The list does not
    show when each value was observed; the history does.
    """
    if row is None or row.status == "erased":
        return row
    newest = (row.profile_observed_at, row.profile_position)
    if newest[0] and newest >= (event.observed_at, recorded.position):
        return row
    levels = {
        name: next_level(
            Level(getattr(row, name), is_rounded=name in row.rounded_counts),
            getattr(event, name),
            event.precision,
        )
        for name in COUNTS
    }
    return replace(
        row,
        scraped_display_name=row.scraped_display_name
        if event.display_name is None
        else event.display_name,
        avatar_url=row.avatar_url if event.avatar_url is None else event.avatar_url,
        **{name: level.value for name, level in levels.items()},
        rounded_counts=[name for name in COUNTS if levels[name].is_rounded],
        profile_observed_at=event.observed_at,
        profile_position=recorded.position,
    )


@on(e.ScrapeSucceeded)
def _scraped(
    event: e.ScrapeSucceeded, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    if row is None or row.status == "erased" or _is_folded(recorded, row):
        return row
    return replace(
        row,
        last_scraped_at=recorded.recorded_at,
        last_outcome="ok",
        run_position=recorded.position,
        **failing_columns(
            after_success(failing_kinds(row.failing_kinds), event.job_type)
        ),
    )


@on(e.ScrapeFailed)
def _failed(
    event: e.ScrapeFailed, row: CreatorRow | None, recorded: RecordedEvent
) -> CreatorRow | None:
    if row is None or row.status == "erased" or _is_folded(recorded, row):
        return row
    row = replace(row, run_position=recorded.position)
    # A run is given up because of the person who disabled the creator.
    is_stopped = row.disabled_reason == BY_HAND and event.outcome is None
    if row.status == "removed" or is_stopped:
        return row
    failing = after_failure(
        failing_kinds(row.failing_kinds),
        event.job_type,
        event.outcome,
        at=recorded.recorded_at,
    )
    return replace(row, last_outcome=event.outcome, **failing_columns(failing))


def _is_folded(recorded: RecordedEvent, row: CreatorRow) -> bool:
    return row.run_position is not None and row.run_position >= recorded.position


def fold_creator(row: CreatorRow | None, recorded: RecordedEvent) -> CreatorRow | None:
    """Return the row after an event; None if the creator was never added."""
    event = recorded.event
    if event not in on_decision:
        return _searchable(on.fold(event, row, recorded), before=row)
    return _searchable(_decided(row, recorded, on_decision.fold(event)), before=row)


def _decided(
    row: CreatorRow | None, recorded: RecordedEvent, changed: dict[str, Any]
) -> CreatorRow | None:
    if row is None or recorded.version <= row.version:
        return row
    return replace(
        row, version=recorded.version, updated_at=recorded.recorded_at, **changed
    )


def _searchable(
    row: CreatorRow | None, *, before: CreatorRow | None
) -> CreatorRow | None:
    if row is None or (before is not None and _named(row) == _named(before)):
        return row
    name = row.scraped_display_name if row.display_name is None else row.display_name
    searched = searched_text(row.tiktok_handle, name, row.tag_keys)
    return replace(row, searched=searched)


def _named(row: CreatorRow) -> object:
    return row.tiktok_handle, row.display_name, row.scraped_display_name, row.tag_keys


class CreatorSearchRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The columns by which a search filters and sorts creators."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    created_at: datetime
    follower_bucket: int
    status: Status
    tiktok_handle: str
    searched: str


def search_row(row: CreatorRow) -> CreatorSearchRow:
    return CreatorSearchRow(
        organization_id=row.organization_id,
        id=row.id,
        project_id=row.project_id,
        created_at=row.created_at,
        follower_bucket=follower_bucket(row.follower_count),
        status=row.status,
        tiktok_handle=row.tiktok_handle,
        searched=row.searched,
    )


class CreatorList:
    """Keeps the tables creator_list and creator_search."""

    name = "creator_list"
    version = 7
    tables = ("creator_list", "creator_search")
    events = on.events | on_decision.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their creators' rows, and save each changed row once."""
        changed = _TABLE.fold(
            cursor, events, key=_key, fold=fold_creator, needed=_needed_events
        )
        _SEARCH.save(
            cursor,
            [
                search_row(row)
                for before, row in changed
                if before is None or search_row(before) != search_row(row)
            ],
        )


_TABLE = Table(CreatorRow, name="creator_list")
_SEARCH = Table(CreatorSearchRow, name="creator_search")


def load_creator_rows(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, CreatorRow]:
    """Return the rows with these (organization id, creator id) keys, by creator."""
    return _TABLE.load(cursor, keys)


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID] | None:
    """Return the key of the row that an event changes, None if it changes none."""
    event: Any = recorded.event
    if isinstance(event, e.ProfileSnapshotRecorded):
        return event.organization_id, event.creator_id
    if isinstance(event, _RUN_ENDS):
        # An import brings snapshots, but it did not scrape at the time of its run.
        if event.creator_id is None or event.provider == IMPORT_PROVIDER:
            return None
        return event.organization_id, event.creator_id
    return event.organization_id, recorded.stream


def _needed_events(events: list[RecordedEvent]) -> list[RecordedEvent]:
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
            if isinstance(recorded.event, _RUN_ENDS)
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
