"""The types of public events: one table, from which all documents are made.

A new type gets a row here, its data in ``data`` and its making in ``making``. A type is
never renamed. A field that is added keeps the version of its type; another change of
the data raises the version.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from domain import events as e
from domain.alert.conditions import AlertSubject, Condition, words_of
from domain.feed import data as d
from domain.feed import making as m
from domain.feed.event import PublicEvent, PublicSubjectType, Subject, event_id
from domain.messages import Event
from domain.streams import report_issue

Filter = Literal["creator_id", "campaign_id", "tag", "min_milestone"]

ALL: Final = "*"
"""The name that stands for all types that it includes."""

_OF_CREATORS: Final[tuple[Filter, ...]] = ("creator_id", "campaign_id", "tag")
_OF_MILESTONES: Final[tuple[Filter, ...]] = (*_OF_CREATORS, "min_milestone")


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of public event.

    ``of`` are the stored events that it follows from, none for a milestone. ``example``
    is data as ``made`` makes it. ``filters`` are the filters that it takes in addition
    to its project. The wildcard ``*`` includes it if ``in_wildcard`` is true. Readers
    without the scope ``admin`` see it nowhere if ``needs_admin`` is true.
    """

    name: str
    summary: str
    subject: PublicSubjectType
    data: type[d.Data]
    made: Callable[[m.EventOrigin], d.Data]
    of: tuple[type[Event], ...] = ()
    example: d.Data
    filters: tuple[Filter, ...] = ()
    in_wildcard: bool = True
    needs_admin: bool = False
    version: int = 1

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The paths in an event of the texts that strangers wrote."""
        return d.text_fields(self.data)


_ORGANIZATION = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a01")
_PROJECT = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a44")
_SECOND_PROJECT = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a45")
_CREATOR = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40")
_VIDEO = UUID("5b0c6a1e-3f5d-5e7a-8c11-2f4b9d7a6e02")
_SCRAPE = UUID("7d1f2c3b-9a8e-5b6c-8d4f-1e2a3b4c5d03")
_SOURCE = UUID("e3a5d8c1-40b6-5f27-9c3e-7d2b6a1f8e50")
_IMPORT = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a51")
_CAMPAIGN = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a47")
_ALERT = UUID("2c9f7b60-18d4-5a3e-9b71-6e0d5c4f8a48")
_RULE = UUID("6b1d0e94-7c2a-5f38-8d05-1a9e3b7c2f49")
_REPORT = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a52")
_PERSON = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41")
_AT = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
_DUE = datetime(2026, 11, 23, 7, tzinfo=UTC)
_POSTED = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)

_OF_NO_PROJECT = ("person", "source")

_creator: Mapping[str, Any] = {"creator_id": _CREATOR, "handle": "kid-and-kettle"}
_video: Mapping[str, Any] = {
    "video_id": _VIDEO,
    "creator_id": _CREATOR,
    "tiktok_video_id": "7460000000000000001",
    "handle": "kid-and-kettle",
    "title": "Three goats and one kettle",
}
_campaign: Mapping[str, Any] = {"campaign_id": _CAMPAIGN, "name": "Spring launch"}
_target: Mapping[str, Any] = {
    "metric": "views",
    "target": 1_000_000,
    "target_scope": "gained",
    "at": _AT,
}

_silent = Condition(type="no_post_for_days", days=7)
_alert: Mapping[str, Any] = {
    "alert_id": _ALERT,
    "rule_id": _RULE,
    "condition": _silent,
    "words": words_of(_silent),
    "about": AlertSubject(type="creator", id=str(_CREATOR)),
    **_creator,
}


def _plain_creator(name: str, summary: str, *of: type[Event]) -> EventType:
    return EventType(
        name=name,
        summary=summary,
        subject="creator",
        data=d.CreatorData,
        made=m.creator_data,
        of=of,
        example=d.CreatorData(**_creator),
        filters=_OF_CREATORS,
    )


_settings: Mapping[str, Any] = {
    "tracking_mode": "auto",
    "tracking_start_date": date(2026, 11, 1),
    "tracking_end_date": None,
}

TYPES: Final[Sequence[EventType]] = (
    EventType(
        name="creator.added",
        summary="Tracking of a creator began.",
        subject="creator",
        data=d.CreatorAddedData,
        made=m.creator_added,
        of=(e.CreatorAdded,),
        example=d.CreatorAddedData(**_creator, **_settings),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="creator.renamed",
        summary="A creator has another handle on TikTok.",
        subject="creator",
        data=d.CreatorRenamedData,
        made=m.creator_renamed,
        of=(e.HandleChanged,),
        example=d.CreatorRenamedData(**_creator, old_handle="kid.and.kettle"),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="creator.moved",
        summary="A creator is in another project of the organization.",
        subject="creator",
        data=d.CreatorMovedData,
        made=m.creator_moved,
        of=(e.CreatorMoved,),
        example=d.CreatorMovedData(
            **_creator,
            old_project_id=_SECOND_PROJECT,
            new_project_id=_PROJECT,
            history="whole",
        ),
        filters=_OF_CREATORS,
    ),
    _plain_creator("creator.removed", "Tracking of a creator ended.", e.CreatorRemoved),
    EventType(
        name="creator.reactivated",
        summary="A removed creator is tracked again.",
        subject="creator",
        data=d.CreatorAddedData,
        made=m.creator_added,
        of=(e.CreatorReactivated,),
        example=d.CreatorAddedData(**_creator, **_settings),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="creator.disabled",
        summary="A creator is not scraped any more, until somebody enables it again.",
        subject="creator",
        data=d.CreatorDisabledData,
        made=m.creator_disabled,
        of=(e.CreatorAutoDisabled, e.CreatorDisabled),
        example=d.CreatorDisabledData(
            **_creator, reason="not_found", scrape_id=_SCRAPE, duplicate_of=None
        ),
        filters=_OF_CREATORS,
    ),
    _plain_creator(
        "creator.reenabled", "Somebody enabled a disabled creator.", e.CreatorReenabled
    ),
    EventType(
        name="creator.connected",
        summary="A creator let Goatherd read their own account.",
        subject="creator",
        data=d.CreatorConnectedData,
        made=m.creator_connected,
        of=(e.CreatorConnected,),
        example=d.CreatorConnectedData(
            **_creator, provider="display", scopes=["user.info.stats", "video.list"]
        ),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="creator.disconnected",
        summary="Goatherd can't read a creator's own account any more.",
        subject="creator",
        data=d.CreatorDisconnectedData,
        made=m.creator_disconnected,
        of=(e.CreatorConnectionLost,),
        example=d.CreatorDisconnectedData(
            **_creator, provider="display", reason="revoked_there"
        ),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="creator.milestone",
        summary="A creator passed a round number of followers.",
        subject="creator",
        data=d.CreatorMilestoneData,
        made=m.creator_milestone,
        example=d.CreatorMilestoneData(
            **_creator, metric="followers", milestone=100_000, count=101_250
        ),
        filters=_OF_MILESTONES,
        in_wildcard=False,
    ),
    EventType(
        name="video.discovered",
        summary="A scrape found a video of a creator that was not known before.",
        subject="video",
        data=d.VideoDiscoveredData,
        made=m.video_discovered,
        of=(e.VideoDiscovered,),
        example=d.VideoDiscoveredData(
            **_video,
            kind="video",
            posted_at=_POSTED,
            tracking_status="auto_tracked",
            scrape_id=_SCRAPE,
        ),
        filters=_OF_CREATORS,
        in_wildcard=False,
    ),
    EventType(
        name="video.pending_review",
        summary="A video waits for a decision in the inbox of its project.",
        subject="video",
        data=d.VideoPendingReviewData,
        made=m.video_pending,
        of=(e.VideoDiscovered, e.VideoCameIntoWindow),
        example=d.VideoPendingReviewData(**_video, posted_at=_POSTED),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="video.reviewed",
        summary="Somebody decided whether a video counts.",
        subject="video",
        data=d.VideoReviewedData,
        made=m.video_reviewed,
        of=tuple(m.DECISIONS),
        example=d.VideoReviewedData(**_video, decision="included"),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="video.missing",
        summary="Two scrapes found that a video is gone.",
        subject="video",
        data=d.VideoMissingData,
        made=m.video_missing,
        of=(e.VideoWentMissing,),
        example=d.VideoMissingData(**_video, missing_since=_AT, scrape_id=_SCRAPE),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="video.milestone",
        summary="A video passed a round number of views.",
        subject="video",
        data=d.VideoMilestoneData,
        made=m.video_milestone,
        example=d.VideoMilestoneData(
            **_video, metric="views", milestone=250_000, count=300_118
        ),
        filters=_OF_MILESTONES,
        in_wildcard=False,
    ),
    EventType(
        name="scrape.failed",
        summary="A scrape ended without a result, and is not tried again.",
        subject="scrape",
        data=d.ScrapeFailedData,
        made=m.scrape_failed,
        of=(e.ScrapeFailed,),
        example=d.ScrapeFailedData(
            scrape_id=_SCRAPE,
            creator_id=_CREATOR,
            video_id=None,
            handle="kid-and-kettle",
            job_type="creator_profiles",
            provider="web",
            attempts=5,
            outcome="blocked",
        ),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="source.failing",
        summary="Most of the newest scrapes of a source fail by its own fault.",
        subject="source",
        data=d.SourceFailingData,
        made=m.source_failing,
        of=(e.SourceFailing,),
        example=d.SourceFailingData(
            source_id=_SOURCE, provider="web", outcome="blocked"
        ),
    ),
    EventType(
        name="source.recovered",
        summary="A failing source answers again.",
        subject="source",
        data=d.SourceRecoveredData,
        made=m.source_recovered,
        of=(e.SourceRecovered,),
        example=d.SourceRecoveredData(source_id=_SOURCE, provider="web", since=_POSTED),
    ),
    EventType(
        name="import.finished",
        summary="An import of a recording ended.",
        subject="import",
        data=d.ImportFinishedData,
        made=m.import_finished,
        of=(e.ImportFinished,),
        example=d.ImportFinishedData(
            import_id=_IMPORT,
            outcome="stored",
            observations=5_240,
            stored=5_000,
            there_already=240,
            left_out=0,
            bad_lines=0,
            runs=310,
            creators_added=12,
        ),
    ),
    EventType(
        name="campaign.created",
        summary="A campaign was created.",
        subject="campaign",
        data=d.CampaignCreatedData,
        made=m.campaign_created,
        of=(e.CampaignCreated,),
        example=d.CampaignCreatedData(
            **_campaign, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31)
        ),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.updated",
        summary="The name, the texts, the days, the cost or the target changed.",
        subject="campaign",
        data=d.CampaignUpdatedData,
        made=m.campaign_updated,
        of=(e.CampaignDetailsChanged, e.CampaignTargetChanged),
        example=d.CampaignUpdatedData(**_campaign, changed=["starts_on", "ends_on"]),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.deleted",
        summary="A campaign was deleted.",
        subject="campaign",
        data=d.CampaignData,
        made=m.campaign_data,
        of=(e.CampaignDeleted,),
        example=d.CampaignData(**_campaign),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.item_added",
        summary="A creator, video or campaign joined a campaign.",
        subject="campaign",
        data=d.CampaignItemData,
        made=m.campaign_item,
        of=(e.CampaignItemAdded,),
        example=d.CampaignItemData(**_campaign, item_type="creator", item_id=_CREATOR),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.item_removed",
        summary="A creator, video or campaign left a campaign.",
        subject="campaign",
        data=d.CampaignItemData,
        made=m.campaign_item,
        of=(e.CampaignItemRemoved,),
        example=d.CampaignItemData(**_campaign, item_type="video", item_id=_VIDEO),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.target_reached",
        summary="A campaign reached its target.",
        subject="campaign",
        data=d.CampaignTargetData,
        made=m.campaign_target,
        of=(e.CampaignTargetReached,),
        example=d.CampaignTargetData(**_campaign, **_target, reached=1_000_412),
        filters=("campaign_id",),
    ),
    EventType(
        name="campaign.target_missed",
        summary="The time of a campaign's target ended, and it was not reached.",
        subject="campaign",
        data=d.CampaignTargetData,
        made=m.campaign_target,
        of=(e.CampaignTargetMissed,),
        example=d.CampaignTargetData(**_campaign, **_target, reached=812_004),
        filters=("campaign_id",),
    ),
    EventType(
        name="alert.opened",
        summary="The condition of an alert rule holds for long enough: an alert fires.",
        subject="alert",
        data=d.AlertOpenedData,
        made=m.alert_opened,
        of=(e.AlertOpened,),
        example=d.AlertOpenedData(
            **_alert,
            severity="warning",
            since=_POSTED,
            evidence=e.AlertEvidence(value=7.2, limit=7, video_ids=(_VIDEO,)),
        ),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="alert.resolved",
        summary="An alert that fired is over.",
        subject="alert",
        data=d.AlertResolvedData,
        made=m.alert_resolved,
        of=(e.AlertResolved,),
        example=d.AlertResolvedData(**_alert, end="over"),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="report.ready",
        summary="An issue of a report was made: its numbers stand still.",
        subject="report",
        data=d.ReportReadyData,
        made=m.report_ready,
        of=(e.ReportIssued,),
        example=d.ReportReadyData(
            report_id=_REPORT,
            issue_id=report_issue(_REPORT, 12),
            number=12,
            scope=e.ReportScope(type="project", id=_PROJECT),
            period="weekly",
            from_=date(2026, 11, 16),
            to=date(2026, 11, 22),
            due_at=_DUE,
            position=51_206,
        ),
        filters=_OF_CREATORS,
    ),
    EventType(
        name="member.joined",
        summary="A person belongs to the organization.",
        subject="person",
        data=d.MemberJoinedData,
        made=m.member_joined,
        of=(e.MemberAdded,),
        example=d.MemberJoinedData(
            person_id=_PERSON, name="Maria", role="member", project_ids=[_PROJECT]
        ),
        needs_admin=True,
    ),
    EventType(
        name="member.left",
        summary="A person no longer belongs to the organization.",
        subject="person",
        data=d.MemberLeftData,
        made=m.member_left,
        of=(e.MemberRemoved,),
        example=d.MemberLeftData(person_id=_PERSON, name="Maria"),
        needs_admin=True,
    ),
    EventType(
        name="subject.erased",
        summary="A creator was erased: nothing personal about them is stored any more.",
        subject="creator",
        data=d.SubjectErasedData,
        made=m.subject_erased,
        of=(e.SubjectErased,),
        example=d.SubjectErasedData(
            creator_id=_CREATOR, handle="erased-3", number=3, figures="anonymous"
        ),
        filters=("creator_id",),
    ),
)

BY_NAME: Final[Mapping[str, EventType]] = {each.name: each for each in TYPES}
WITHOUT_ADMIN: Final[frozenset[str]] = frozenset(
    each.name for each in TYPES if not each.needs_admin
)
"""The types that readers without the scope ``admin`` see."""

_BY_EVENT: Final[Mapping[type[Event], tuple[EventType, ...]]] = {
    event: tuple(each for each in TYPES if event in each.of)
    for type_ in TYPES
    for event in type_.of
}
FOLLOWED: Final[frozenset[type[Event]]] = frozenset(_BY_EVENT)
"""The stored events from which public events follow directly."""


def types_of(event: Event) -> Iterator[EventType]:
    """Yield the types of the public events that follow from a stored event.

    A video waits for review only if its status says so. An alert that never fired is
    not resolved.
    """
    if isinstance(event, e.AlertResolved) and not event.has_fired:
        return
    for each in _BY_EVENT.get(type(event), ()):
        status = getattr(event, "tracking_status", None)
        if each.name != "video.pending_review" or status == "pending_review":
            yield each


def chosen(names: Collection[str]) -> frozenset[str]:
    """Return the types that names mean, of which ``*`` stands for many."""
    named = {name for name in names if name != ALL}
    if ALL in names:
        named |= {each.name for each in TYPES if each.in_wildcard}
    return frozenset(named)


def example_of(type_: EventType) -> PublicEvent:
    """Return a whole event of the type, about invented things."""
    data = msgspec.to_builtins(type_.example)
    ids = {"creator": _CREATOR, "video": _VIDEO, "scrape": _SCRAPE}
    ids |= {"source": _SOURCE, "import": _IMPORT}
    ids |= {"campaign": _CAMPAIGN, "alert": _ALERT, "report": _REPORT}
    ids |= {"person": _PERSON}
    subject_id = ids[type_.subject]
    position = 51_207
    return PublicEvent(
        id=event_id(
            _ORGANIZATION,
            type_.name,
            position=position,
            subject_id=subject_id,
            milestone=data.get("milestone"),
        ),
        type=type_.name,
        timestamp=_AT,
        recorded_at=_AT,
        version=type_.version,
        position=position,
        organization_id=_ORGANIZATION,
        project_id=None if type_.subject in _OF_NO_PROJECT else _PROJECT,
        subject=Subject(type=type_.subject, id=subject_id),
        actor="key:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a46",
        data=data,
    )


def typed(type_: EventType) -> type[msgspec.Struct]:
    """Return the struct of whole events of the type, for schemas."""
    fields: list[tuple[str, Any]] = [
        ("type", Literal[type_.name]),
        ("version", Literal[type_.version]),
        ("data", type_.data),
    ]
    name = "".join(word.title() for word in type_.name.replace("_", ".").split("."))
    struct = msgspec.defstruct(
        f"{name}Event", fields, bases=(PublicEvent,), frozen=True, kw_only=True
    )
    struct.__doc__ = type_.summary
    return struct


def schema_of(type_: EventType) -> dict[str, Any]:
    """Return the JSON Schema of whole events of the type."""
    return _plain(msgspec.json.schema(typed(type_)))


def schemas_of_types(ref_template: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the name of the schema of each type, and all schemas by name.

    ``ref_template`` is the address of a schema, with its name as ``{name}``.
    """
    structs = {each.name: typed(each) for each in TYPES}
    _, components = msgspec.json.schema_components(
        structs.values(), ref_template=ref_template
    )
    names = {name: struct.__name__ for name, struct in structs.items()}
    return names, _plain(components)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose descriptions are Markdown.

    Docstrings are indented, and mark names with two backticks.
    """
    written = msgspec.json.encode(schema)
    return msgspec.json.decode(written.replace(b"\\n    ", b"\\n").replace(b"``", b"`"))
