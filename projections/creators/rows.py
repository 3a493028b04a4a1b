"""The rows of creator_list and creator_search."""

from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.creator.decider import Status
from domain.events import Outcome, SubjectErased, TrackingMode
from domain.scrape.failures import FailingKind
from infra.eventstore.store import RecordedEvent
from projections.creators.search_keys import follower_bucket, searched_text

CountName = Literal[
    "follower_count", "following_count", "total_likes_count", "video_count"
]
COUNTS: Final[tuple[CountName, ...]] = get_args(CountName)


class CreatorRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator: its settings, and the newest scraped figures.

    ``display_name`` was set by somebody, ``scraped_display_name`` is the name on
    TikTok. Figures are of ``profile_observed_at`` and null before the first snapshot.
    Counts are levels: a rounded count that is compatible with an exact one does not
    replace it. ``rounded_counts`` names the rounded ones. ``run_position`` is the
    position of the last run that ended on this installation. A search looks into
    ``searched``.
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
    tags: list[str] = []
    tag_keys: list[str] = []
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    avatar_url: str | None = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None
    rounded_counts: list[CountName] = []
    profile_observed_at: datetime | None = None
    profile_position: int | None = None
    last_scraped_at: datetime | None = None
    last_outcome: Outcome | None = None
    failing_since: datetime | None = None
    failed_scrapes: int = 0
    failing_kinds: list[FailingKind] = []
    run_position: int | None = None
    searched: str
    status: Status = "active"
    disabled_reason: str | None = None
    duplicate_of: UUID | None = None
    connected_at: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


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


def failing_kinds(stored: list[FailingKind] | list[Any]) -> list[FailingKind]:
    """Return the failing kinds of a creator; a loaded row has them as JSON."""
    return msgspec.convert(stored, list[FailingKind]) if stored else []


def failing_columns(kinds: list[FailingKind]) -> dict[str, Any]:
    """Return the columns for the failing kinds of a creator."""
    return {
        "failing_kinds": kinds,
        "failing_since": kinds[0].failing_since if kinds else None,
        "failed_scrapes": sum(kind.failed_scrapes for kind in kinds),
    }


def erased_row(
    row: CreatorRow, event: SubjectErased, recorded: RecordedEvent
) -> CreatorRow:
    """Return the row of an erased creator, with its counts unless they were dropped."""
    erased = CreatorRow(
        organization_id=row.organization_id,
        id=row.id,
        project_id=row.project_id,
        tiktok_handle=event.handle,
        metadata={},
        tracking_mode=row.tracking_mode,
        searched=searched_text(event.handle, None, []),
        status="erased",
        version=recorded.version,
        created_at=row.created_at,
        updated_at=recorded.recorded_at,
    )
    if event.figures == "drop":
        return erased
    kept = (*COUNTS, "rounded_counts", "profile_observed_at", "profile_position")
    return replace(erased, **{name: getattr(row, name) for name in kept})
