"""Request bodies about creators, and the answers to commands for many."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code, field_error
from domain.events import JobType, TrackingMode
from domain.tags import MAX_TAG_LENGTH, MAX_TAGS
from projections.creators.creator import Creator

MOST_NEW, MOST_AT_ONCE = 50, 100
MAX_README_BYTES = 64_000
MAX_METADATA_BYTES = 16_000

HandleText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_048,
        description="A handle with or without @, or a profile URL; stored lower-case.",
        examples=["@goat.of.the.day"],
    ),
]
Description = Annotated[str, Meta(max_length=5_000)]
Readme = Annotated[str, Meta(max_length=MAX_README_BYTES)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=200)]
Metadata = Annotated[
    dict[str, Any],
    Meta(
        description="A JSON object of up to 16 kB, which replaces the "
        "whole earlier one."
    ),
]

Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG_LENGTH)]
Tags = Annotated[
    list[Tag],
    Meta(
        max_length=MAX_TAGS,
        description="Tags, which replace all earlier ones. Blanks around a tag are "
        "removed, and so are tags that differ from another only in upper "
        "and lower case. Commas are refused, because filters separate tags "
        "by them.",
        examples=[["spring", "Tier A"]],
    ),
]


class NewCreator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A creator to track.

    A removed creator who is added again keeps every setting that is left out here. For
    a new creator the defaults are: ``tracking_mode`` auto, ``tracking_start_date``
    today in the organization's time zone, and ``tracking_end_date`` null; null means
    unlimited. ``tracking_end_date`` must not be before ``tracking_start_date``.
    """

    tiktok_handle: HandleText
    tracking_mode: TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    readme: Readme | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class NewCreators(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several creators to track, added in one transaction."""

    creators: Annotated[list[NewCreator], Meta(min_length=1, max_length=MOST_NEW)]


ContactEmail = Annotated[
    str, Meta(min_length=3, max_length=254, examples=["ada@example.com"])
]


class CreatorChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed.

    A ``display_name`` stays until it is set to null; without one TikTok's name is
    shown. ``tracking_end_date`` must not be before ``tracking_start_date``, even if
    only one of them is changed. ``contact_email`` is in no answer but that of
    `GET /creators/{id}/contact`, that with all personal data, and that of an import.
    """

    tiktok_handle: HandleText | UnsetType = UNSET
    display_name: DisplayName | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    readme: Readme | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    tracking_mode: TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET
    contact_email: ContactEmail | UnsetType | None = UNSET


class CreatorContact(Struct, frozen=True, kw_only=True):
    """The address at which a creator can be reached, null if none is known.

    A creator who opted out of mails gets none at any address since ``opted_out_at``.
    """

    creator_id: UUID
    contact_email: str | None
    opted_out_at: datetime | None


class ScrapeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kind of scrape to run."""

    job_type: JobType = "creator_profiles"


class CreatorSelection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The creators to change."""

    creator_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class TagChange(CreatorSelection, frozen=True, kw_only=True):
    """Tags to add to each creator, and tags to take away.

    A creator that has the former already and none of the latter is skipped, and one
    that would have too many tags, or that was removed, fails alone.
    """

    add: Annotated[
        list[Tag], Meta(max_length=MAX_TAGS, examples=[["spring", "Tier A"]])
    ] = []
    remove: Annotated[list[Tag], Meta(max_length=MAX_TAGS, examples=[["winter"]])] = []


class AddedCreator(Struct, frozen=True, kw_only=True):
    """The result for one creator of many; ``code`` and ``error`` if it failed.

    ``tiktok_handle`` is null with the code ``erased_and_banned``.
    """

    index: int
    tiktok_handle: str | None
    status: Literal["created", "reactivated", "failed"]
    code: str | None
    error: str | None
    creator: Creator | None


class AddedCreators(Struct, frozen=True, kw_only=True):
    """The results for all creators, in the order of the request.

    ``added_count`` is the number of creators that are new or restored: 0 says that
    nothing was added.
    """

    results: list[AddedCreator]
    added_count: int
    created_count: int
    reactivated_count: int
    failed_count: int


class BulkItem(Struct, frozen=True, kw_only=True):
    """The result for one creator; ``reason`` if it was skipped or failed."""

    index: int
    creator_id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None


class BulkCounts(Struct, frozen=True, kw_only=True):
    """The number of items of a bulk command by result."""

    ok_count: int
    skipped_count: int
    failed_count: int


class BulkAnswer(BulkCounts, frozen=True, kw_only=True):
    """The results for all creators, in the order of the request."""

    results: list[BulkItem]


class QueuedScrape(Struct, frozen=True, kw_only=True):
    """A scrape that was queued."""

    scrape_id: UUID
    creator_id: UUID
    job_type: JobType
    status: Literal["queued"] = "queued"


class RetriedScrape(Struct, frozen=True, kw_only=True):
    """The retry of a failed scrape, for the same creator."""

    scrape_id: UUID
    retried_id: UUID
    creator_id: UUID | None
    job_type: JobType


class ScrapeSelection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The failed scrapes to retry."""

    scrape_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class RetryItem(Struct, frozen=True, kw_only=True):
    """The result for one scrape; ``reason`` if it was skipped or failed.

    ``scrape_id`` is the scrape that retries ``retried_id``, null if there is none.
    """

    retried_id: UUID
    scrape_id: UUID | None
    status: Literal["ok", "skipped", "failed"]
    reason: str | None


class RetriedScrapes(BulkCounts, frozen=True, kw_only=True):
    """The results for all scrapes, each once, in the order of the request."""

    results: list[RetryItem]


class Noted(Protocol):
    """A request body with a readme and metadata."""

    @property
    def readme(self) -> str | UnsetType | None: ...
    @property
    def metadata(self) -> dict[str, Any] | UnsetType: ...


def check_sizes(item: Noted, *, at: str = "") -> None:
    """Refuse a readme or metadata with too many bytes; msgspec counts characters.

    ``at`` is the JSON pointer to the item in the body.

    Raises:
        ApiError: ``invalid_body``, naming the field.
    """
    readme, metadata = item.readme, item.metadata
    if isinstance(readme, str) and len(readme.encode()) > MAX_README_BYTES:
        message = f"must be at most {MAX_README_BYTES} bytes"
        raise field_error(Code.INVALID_BODY, f"{at}/readme", message)
    if (
        isinstance(metadata, dict)
        and len(msgspec.json.encode(metadata)) > MAX_METADATA_BYTES
    ):
        message = f"must be at most {MAX_METADATA_BYTES} bytes of JSON"
        raise field_error(Code.INVALID_BODY, f"{at}/metadata", message)
