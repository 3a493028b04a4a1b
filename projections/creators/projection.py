"""creator_list: one row a creator, for the list, the search and a creator's page."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.creator.decider import Status, changed_details
from domain.messages import IMPORT_PROVIDER
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table

# As goatherd_grams has it, which makes what is indexed.
LONGEST_GRAM = 3


class CreatorRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator as people read it: what was decided, and the newest scraped figures.

    ``display_name`` is what somebody set, ``scraped_display_name`` what TikTok shows.
    Figures are of ``profile_observed_at`` and null before the first snapshot.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID
    tiktok_handle: str
    display_name: str | None = None
    scraped_display_name: str | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any]
    tracking_mode: e.TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    avatar_url: str | None = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None
    profile_observed_at: datetime | None = None
    profile_position: int | None = None
    last_scraped_at: datetime | None = None
    status: Status = "active"
    disabled_reason: str | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class CreatorSearchRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What decides which creators a search finds, and in which order."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    created_at: datetime
    magnitude: int
    status: Status
    tiktok_handle: str


class CreatorList:
    """Keeps the tables creator_list and creator_search."""

    name = "creator_list"
    version = 1
    tables = ("creator_list", "creator_search")
    events = frozenset(
        {
            "creator_added",
            "handle_changed",
            "creator_details_changed",
            "tracking_mode_changed",
            "tracking_window_changed",
            "creator_removed",
            "creator_reactivated",
            "creator_auto_disabled",
            "creator_reenabled",
            "profile_snapshot_recorded",
            "scrape_succeeded",
        }
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into the rows they are about, and save each row once."""
        told = [(key, event) for event in events if (key := _key(event)) is not None]
        before = _TABLE.load(cursor, dict.fromkeys(key for key, _ in told))
        after: dict[UUID, CreatorRow] = dict(before)
        for (_, creator_id), event in told:
            folded = fold_creator(after.get(creator_id), event)
            if folded is not None:
                after[creator_id] = folded
        changed = [row for key, row in after.items() if row is not before.get(key)]
        _TABLE.save(cursor, changed)
        _SEARCH.save(
            cursor,
            [
                search_row(row)
                for row in changed
                if row.id not in before or search_row(before[row.id]) != search_row(row)
            ],
        )


_TABLE = Table(CreatorRow, name="creator_list")
_SEARCH = Table(CreatorSearchRow, name="creator_search")


def load_creator_rows(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, CreatorRow]:
    """Return the rows with these (organization id, creator id) keys, by creator."""
    return _TABLE.load(cursor, keys)


def fold_creator(row: CreatorRow | None, recorded: RecordedEvent) -> CreatorRow | None:
    """Return the row after an event; None for events about a creator nobody added."""
    event = recorded.event
    if isinstance(event, e.CreatorAdded):
        return row or _added(event, recorded)
    if row is None:
        return None
    match event:
        case e.ProfileSnapshotRecorded():
            return _with_figures(row, event, recorded)
        case e.ScrapeSucceeded():
            if row.last_scraped_at and row.last_scraped_at >= recorded.recorded_at:
                return row
            return replace(row, last_scraped_at=recorded.recorded_at)
        case _:
            pass
    if recorded.version <= row.version:
        return row
    return replace(
        row,
        version=recorded.version,
        updated_at=recorded.recorded_at,
        **_decided(event),
    )


def search_row(row: CreatorRow) -> CreatorSearchRow:
    """Return what a search has to know of a creator."""
    return CreatorSearchRow(
        organization_id=row.organization_id,
        id=row.id,
        project_id=row.project_id,
        created_at=row.created_at,
        magnitude=follower_bucket(row.follower_count),
        status=row.status,
        tiktok_handle=row.tiktok_handle,
    )


def follower_bucket(follower_count: int | None) -> int:
    """Return how many binary digits the followers have; below 0 if they are not known.

    Of two counts the greater never has the lesser magnitude.
    """
    followers = -1 if follower_count is None else follower_count
    return followers.bit_length() if followers >= 0 else -1 - (~followers).bit_length()


def search_grams(organization_id: UUID, part: str) -> list[str]:
    """Return the grams that every handle with ``part`` in it has: the longest ones."""
    mark = organization_id.hex[-6:]
    length = min(LONGEST_GRAM, len(part))
    return sorted({mark + part[n : n + length] for n in range(len(part) - length + 1)})


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID] | None:
    """Return whose row an event is about; None for runs that change none."""
    event: Any = recorded.event
    if isinstance(event, e.ProfileSnapshotRecorded | e.ScrapeSucceeded):
        if event.creator_id is None:
            return None
        # Its snapshots are the creator's, but nothing was scraped when it was imported.
        if isinstance(event, e.ScrapeSucceeded) and event.provider == IMPORT_PROVIDER:
            return None
        return event.organization_id, event.creator_id
    return event.organization_id, recorded.stream


def _added(event: e.CreatorAdded, recorded: RecordedEvent) -> CreatorRow:
    return CreatorRow(
        organization_id=event.organization_id,
        id=recorded.stream,
        project_id=event.project_id,
        tiktok_handle=event.handle,
        description=event.description,
        readme=event.readme,
        metadata=event.metadata,
        tracking_mode=event.tracking_mode,
        tracking_start_date=event.tracking_start_date,
        tracking_end_date=event.tracking_end_date,
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


def _with_figures(
    row: CreatorRow, event: e.ProfileSnapshotRecorded, recorded: RecordedEvent
) -> CreatorRow:
    """Newest observation wins; of two at one instant, the later in the log.

    What the newest one left out keeps its last known value, with the older time lost:
    a list shows figures, the history shows when each was seen.
    """
    newest = (row.profile_observed_at, row.profile_position)
    if newest[0] and newest >= (event.observed_at, recorded.position):
        return row
    seen = {
        "scraped_display_name": event.display_name,
        "avatar_url": event.avatar_url,
        "follower_count": event.follower_count,
        "following_count": event.following_count,
        "total_likes_count": event.total_likes_count,
        "video_count": event.video_count,
    }
    return replace(
        row,
        profile_observed_at=event.observed_at,
        profile_position=recorded.position,
        **{name: value for name, value in seen.items() if value is not None},
    )


def _decided(event: e.Event) -> dict[str, Any]:
    """Return the columns that an event of the creator's own stream sets."""
    match event:
        case e.HandleChanged(new=handle):
            return {"tiktok_handle": handle}
        case e.CreatorDetailsChanged():
            return changed_details(event)
        case e.TrackingModeChanged(new=mode):
            return {"tracking_mode": mode}
        case e.TrackingWindowChanged():
            return {
                "tracking_start_date": event.tracking_start_date,
                "tracking_end_date": event.tracking_end_date,
            }
        case e.CreatorRemoved():
            return {"status": "removed", "disabled_reason": None}
        case e.CreatorReactivated():
            return {
                "status": "active",
                "tracking_mode": event.tracking_mode,
                "tracking_start_date": event.tracking_start_date,
                "tracking_end_date": event.tracking_end_date,
            }
        case e.CreatorAutoDisabled(verdict=verdict):
            return {"status": "disabled", "disabled_reason": verdict}
        case e.CreatorReenabled():
            return {"status": "active", "disabled_reason": None}
        case _:
            msg = f"creator_list takes in no {type(event).__name__}."
            raise TypeError(msg)
