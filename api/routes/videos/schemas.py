"""Request bodies about videos, and the answers to commands for many."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from api.routes.creators.schemas import BulkCounts, Description, Metadata, Readme, Tags
from domain.events import JobType

VideoUrlText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_048,
        description="The URL of a TikTok video or photo post; short links are refused, "
        "because they do not contain the id.",
        examples=["https://www.tiktok.com/@goat.of.the.day/video/7460000000000000001"],
    ),
]


class NewVideo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A video to track; a known video keeps its tags if they are left out."""

    url: VideoUrlText
    tags: Tags | UnsetType = UNSET


class VideoChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed."""

    description: Description | UnsetType | None = UNSET
    readme: Readme | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class VideoSelection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The videos to change."""

    video_ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)]


class DecisionItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The decision on one video: include it, exclude it or put it back.

    ``put_back`` undoes an ``include`` or ``exclude``: the video is in the inbox again.
    """

    video_id: UUID
    decision: Annotated[
        Literal["include", "exclude", "put_back"], Meta(examples=["include"])
    ]


class Review(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions, applied in this order."""

    decisions: Annotated[list[DecisionItem], Meta(min_length=1, max_length=100)]


class BulkVideo(Struct, frozen=True, kw_only=True):
    """The result for one video; ``reason`` if it was skipped or failed."""

    index: int
    video_id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None


class BulkVideos(BulkCounts, frozen=True, kw_only=True):
    """The results for all videos, in the order of the request."""

    results: list[BulkVideo]


class QueuedVideoScrape(Struct, frozen=True, kw_only=True):
    """A scrape of one video that was queued."""

    scrape_id: UUID
    video_id: UUID
    creator_id: UUID | None
    job_type: JobType
    status: Literal["queued"] = "queued"
