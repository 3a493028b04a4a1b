"""A creator as a row of ``creator_list``, and as answers to clients have it."""

from datetime import date, datetime
from operator import attrgetter
from typing import Any, ClassVar, Final, Literal, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg.rows import TupleRow

from domain.creator.decider import Status
from domain.events import Outcome, SubjectErased, TrackingMode
from domain.scrape.failures import FailingKind
from infra.eventstore.store import RecordedEvent
from infra.structs import JsonObject
from projections.creators.search_keys import searched_text

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


class Creator(msgspec.Struct, frozen=True, kw_only=True):
    """A tracked TikTok account. Counts are null before the first snapshot.

    ``display_name`` is the one set here, or else TikTok's. ``is_active`` is false for
    removed and for disabled creators. ``disabled_reason`` is the verdict of scrapes, or
    ``by_hand`` if a person disabled the creator.
    With `duplicate_account`, ``duplicate_of`` is another creator of the project with
    the same account, which a scrape found; otherwise it is null. Figures are the newest
    scraped ones; ``last_scraped_at`` is the time of the last successful scrape.
    ``rounded_counts`` names the counts whose exact number is not known, because their
    source rounds them. A rounded count that is compatible with an exact one does not
    replace it. ``last_outcome`` is the outcome of the last scrape, null before the
    first one and if the last one was given up without an answer. ``failing_kinds`` are
    the kinds of scrapes whose last run failed, the longest failing first: a good scrape
    of the profile does not hide that scrapes of the videos fail. ``failing_since`` is
    that of the first kind, and ``failed_scrapes`` counts the failures of all kinds;
    null and 0 without a failing kind. ``connected_at`` is the time when the creator
    connected their own account, null if it is not connected now.
    """

    # Scrapes change these fields without a new version.
    FIGURE_FIELDS: ClassVar = (
        *("display_name", "avatar_url", "follower_count", "following_count"),
        *("total_likes_count", "video_count", "rounded_counts", "last_scraped_at"),
    )

    id: UUID
    project_id: UUID
    org_id: UUID
    tiktok_handle: str
    display_name: str | None
    description: str | None
    readme: str | None
    metadata: JsonObject
    tags: list[str]
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    avatar_url: str | None
    follower_count: int | None
    following_count: int | None
    total_likes_count: int | None
    video_count: int | None
    rounded_counts: list[CountName]
    last_scraped_at: datetime | None
    last_outcome: Outcome | None
    failing_since: datetime | None
    failed_scrapes: int
    failing_kinds: list[FailingKind]
    is_active: bool
    status: Status
    disabled_reason: str | None
    duplicate_of: UUID | None
    connected_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


# The other fields have the names of their columns.
_EXPRESSIONS = {
    "org_id": "organization_id",
    "display_name": "coalesce(display_name, scraped_display_name)",
    "metadata": "metadata::text",
    "is_active": "status = 'active'",
}
_FIELDS = Creator.__struct_fields__
_SAME_FIELDS = [
    name for name in _FIELDS if name not in {*_EXPRESSIONS, "failing_kinds"}
]
_same_values = attrgetter(*_SAME_FIELDS)
COLUMNS = ", ".join(_EXPRESSIONS.get(name, name) for name in _FIELDS)


def creator_from_columns(values: TupleRow) -> Creator:
    fields: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
    fields["metadata"] = msgspec.Raw(fields["metadata"])
    fields["failing_kinds"] = failing_kinds(fields["failing_kinds"])
    return Creator(**fields)


def creator_from_row(row: CreatorRow) -> Creator:
    same: dict[str, Any] = dict(zip(_SAME_FIELDS, _same_values(row), strict=True))
    return Creator(
        **same,
        org_id=row.organization_id,
        display_name=row.scraped_display_name
        if row.display_name is None
        else row.display_name,
        metadata=msgspec.Raw(msgspec.json.encode(row.metadata)),
        failing_kinds=failing_kinds(row.failing_kinds),
        is_active=row.status == "active",
    )
