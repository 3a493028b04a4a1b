"""The `data` of each type of public event: the fields, and who wrote them."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.alert.conditions import AlertSubject, Condition
from domain.alert.events import AlertEnd, AlertEvidence
from domain.campaign.events import ItemType
from domain.messages import (
    ByHand,
    ConnectionEnd,
    ConnectionProvider,
    DisabledReason,
    ErasedFigures,
    ImportOutcome,
    JobType,
    MemberRole,
    MovedHistory,
    Outcome,
    Severity,
    TargetMetric,
    TargetScope,
    TrackingMode,
    TrackingStatus,
    VideoKind,
)
from domain.report.issue import ReportPeriod, ReportScope

_T = TypeVar("_T")

_TEXT: Final = "x-text-of-strangers"

# The type of a text that somebody outside of the organization wrote on TikTok. A reader
# that hands it to a model or a shell must not take it for an instruction.
Strangers = Annotated[_T, Meta(extra_json_schema={_TEXT: True})]

# The zone makes the schema say that it is a time.
Time = Annotated[datetime, Meta(tz=True)]

VideoDecision = Literal["included", "excluded", "put_back", "stopped"]


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """The base of the data of all types."""


def text_fields(data: type[Data]) -> tuple[str, ...]:
    """Return the paths in an event of the texts that strangers wrote."""
    hints = get_type_hints(data, include_extras=True)
    return tuple(
        f"data.{name}"
        for name, hint in hints.items()
        if any(_is_of_strangers(each) for each in getattr(hint, "__metadata__", ()))
    )


def _is_of_strangers(meta: Any) -> bool:  # noqa: ANN401 - any annotation
    return isinstance(meta, Meta) and _TEXT in (meta.extra_json_schema or {})


class CreatorData(Data, frozen=True, kw_only=True):
    """A creator: ``handle`` is the name on TikTok at that time.

    It is `erased-<number>` once the creator was erased.
    """

    creator_id: UUID
    handle: Strangers[str | None]


class CreatorAddedData(CreatorData, frozen=True, kw_only=True):
    """The settings with which tracking began; a null day is an open end."""

    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None


class CreatorRenamedData(CreatorData, frozen=True, kw_only=True):
    """``handle`` is the new name, ``old_handle`` the one before."""

    old_handle: Strangers[str]


class CreatorMovedData(CreatorData, frozen=True, kw_only=True):
    """With ``history`` whole all numbers moved, with stay those from then on.

    ``old_project_id`` is null for readers who may not see that project.
    """

    old_project_id: UUID | None
    new_project_id: UUID
    history: MovedHistory | None


class CreatorDisabledData(CreatorData, frozen=True, kw_only=True):
    """``reason`` is by_hand, or the outcome of the scrapes that disabled the creator.

    ``duplicate_of`` is the creator of the project that is the same account.
    """

    reason: DisabledReason | ByHand
    scrape_id: UUID | None
    duplicate_of: UUID | None


class CreatorConnectedData(CreatorData, frozen=True, kw_only=True):
    """The provider that may read the creator's own account, and its rights."""

    provider: ConnectionProvider
    scopes: list[str]


class CreatorDisconnectedData(CreatorData, frozen=True, kw_only=True):
    """The reason for which the provider can't read the account any more."""

    provider: ConnectionProvider
    reason: ConnectionEnd


class CreatorMilestoneData(CreatorData, frozen=True, kw_only=True):
    """``count`` followers were observed, which passes ``milestone``."""

    metric: Literal["followers"]
    milestone: int
    count: int


class VideoData(Data, frozen=True, kw_only=True):
    """A video, with its title and its creator's handle as they were at its discovery.

    ``creator_id`` is null for a video that was added by its URL.
    """

    video_id: UUID
    creator_id: UUID | None
    tiktok_video_id: str | None
    handle: Strangers[str | None]
    title: Strangers[str | None]


class VideoDiscoveredData(VideoData, frozen=True, kw_only=True):
    """``tracking_status`` says whether the video counts or waits for review.

    ``posted_at`` is null if the source does not tell it.
    """

    kind: VideoKind | None
    posted_at: Time | None
    tracking_status: TrackingStatus
    scrape_id: UUID


class VideoPendingReviewData(VideoData, frozen=True, kw_only=True):
    """``posted_at`` is null if the source does not tell it."""

    posted_at: Time | None


class VideoReviewedData(VideoData, frozen=True, kw_only=True):
    """The decision; put_back means that the video waits for review again."""

    decision: VideoDecision


class VideoMissingData(VideoData, frozen=True, kw_only=True):
    """The video was first found gone at ``missing_since``."""

    missing_since: Time
    scrape_id: UUID


class VideoMilestoneData(VideoData, frozen=True, kw_only=True):
    """``count`` views were observed, which passes ``milestone``."""

    metric: Literal["views"]
    milestone: int
    count: int


class ScrapeFailedData(Data, frozen=True, kw_only=True):
    """A run that nothing tries again; ``outcome`` is null if no source was asked.

    ``creator_id`` is null for a run of a video that was added by its URL.
    """

    scrape_id: UUID
    creator_id: UUID | None
    video_id: UUID | None
    handle: Strangers[str | None]
    job_type: JobType
    provider: str
    attempts: int
    outcome: Outcome | None


class SourceData(Data, frozen=True, kw_only=True):
    """A source of observations, by the name that GET /sources has."""

    source_id: UUID
    provider: str


class SourceFailingData(SourceData, frozen=True, kw_only=True):
    """``outcome`` is the most frequent failure of its newest scrapes."""

    outcome: Outcome


class SourceRecoveredData(SourceData, frozen=True, kw_only=True):
    """The source failed since ``since``."""

    since: Time


class ImportFinishedData(Data, frozen=True, kw_only=True):
    """``outcome`` is stored, refused for the whole, or interrupted after a part.

    ``observations`` were in the recording: ``stored`` ones are new, in ``runs``
    scrapes, ``there_already`` ones were known, and ``left_out`` ones are of people who
    were erased. ``bad_lines`` counts lines that are no observations.
    """

    import_id: UUID
    outcome: ImportOutcome
    observations: int
    stored: int
    there_already: int
    left_out: int
    bad_lines: int
    runs: int
    creators_added: int


class CampaignData(Data, frozen=True, kw_only=True):
    """A campaign, and its name at that time."""

    campaign_id: UUID
    name: str | None


class CampaignCreatedData(CampaignData, frozen=True, kw_only=True):
    """The days of the campaign; a null day is an open end."""

    starts_on: date | None
    ends_on: date | None


class CampaignUpdatedData(CampaignData, frozen=True, kw_only=True):
    """``changed`` has the names of the changed fields."""

    changed: list[str]


class CampaignItemData(CampaignData, frozen=True, kw_only=True):
    """The creator, video or campaign that joined or left."""

    item_type: ItemType
    item_id: UUID


class CampaignTargetData(CampaignData, frozen=True, kw_only=True):
    """``reached`` of ``target`` counted for the metric; ``at`` is the time of that."""

    metric: TargetMetric
    target: int
    target_scope: TargetScope
    reached: int
    at: Time


class AlertData(Data, frozen=True, kw_only=True):
    """The alert of a rule: its condition, in words too, and the thing that it is about.

    ``creator_id`` and ``handle`` are null for what concerns no creator.
    """

    alert_id: UUID
    rule_id: UUID
    condition: Condition
    words: str
    about: AlertSubject
    creator_id: UUID | None
    handle: Strangers[str | None]


class AlertOpenedData(AlertData, frozen=True, kw_only=True):
    """The condition holds since ``since``; ``evidence`` has the reasons."""

    severity: Severity
    since: Time
    evidence: AlertEvidence


class AlertResolvedData(AlertData, frozen=True, kw_only=True):
    """``end`` is over if the condition holds no more, else rule_ended."""

    end: AlertEnd


class ReportReadyData(Data, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An issue of a report, about the days from ``from`` to ``to``.

    ``number`` counts the issues of the report from 1. ``position`` is that of the
    newest event that its numbers know, and ``due_at`` is null if somebody asked for it.
    ``scope`` is what the report is about, without an id for the organization.
    """

    report_id: UUID
    issue_id: UUID
    number: int
    scope: ReportScope
    period: ReportPeriod
    from_: date
    to: date
    due_at: Time | None
    position: int


class MemberJoinedData(Data, frozen=True, kw_only=True):
    """``project_ids`` are the projects that the person may see, null for all."""

    person_id: UUID
    name: str | None
    role: MemberRole
    project_ids: list[UUID] | None


class MemberLeftData(Data, frozen=True, kw_only=True):
    """``name`` is `erased` once the person's account was erased."""

    person_id: UUID
    name: str | None


class SubjectErasedData(CreatorData, frozen=True, kw_only=True):
    """With ``figures`` anonymous the numbers stay, with drop they are gone, too."""

    number: int
    figures: ErasedFigures
