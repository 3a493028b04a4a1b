"""Makes the data of a public event from the stored events that it follows from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from domain import events as e
from domain.alert.conditions import AlertSubject, words_of
from domain.feed import data as d
from domain.messages import BY_HAND, Event, copied
from domain.streams import report_issue

DECISIONS: Mapping[type[Event], d.VideoDecision] = {
    e.VideoIncluded: "included",
    e.VideoExcluded: "excluded",
    e.VideoPutBack: "put_back",
    e.VideoTrackingDisabled: "stopped",
}


class EventOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """The stored events behind a public event, and the ids that it names.

    ``event`` is None for a milestone, which follows from many observations: ``count``
    passed ``milestone``. ``named`` is the newest event until then with the name of the
    subject, None if there is none. ``project_ids`` are the projects that the reader may
    see, None for all.
    """

    stream: UUID
    subject_id: UUID
    creator_id: UUID | None = None
    event: Event | None = None
    named: Event | None = None
    milestone: int | None = None
    count: int | None = None
    project_ids: frozenset[UUID] | None = None


def _creator(origin: EventOrigin) -> dict[str, Any]:
    match origin.named:
        case e.CreatorAdded(handle=handle) | e.HandleChanged(new=handle):
            return {"creator_id": origin.subject_id, "handle": handle}
        case _:
            return {"creator_id": origin.subject_id, "handle": None}


def _video(origin: EventOrigin) -> dict[str, Any]:
    known: dict[str, Any] = {"tiktok_video_id": None, "handle": None, "title": None}
    if isinstance(origin.named, e.VideoDiscovered | e.VideoAdded):
        title = getattr(origin.named, "title", None)
        known = {
            "tiktok_video_id": origin.named.tiktok_video_id,
            "handle": origin.named.handle,
            "title": title,
        }
    return {"video_id": origin.subject_id, "creator_id": origin.creator_id, **known}


def _campaign(origin: EventOrigin) -> dict[str, Any]:
    name = getattr(origin.named, "name", None)
    named = {"name": None if name is UNSET else name}
    return {"campaign_id": origin.subject_id, **named}


def _person(origin: EventOrigin) -> dict[str, Any]:
    name = getattr(origin.named, "name", None)
    return {"person_id": origin.subject_id, "name": name}


def creator_data(origin: EventOrigin) -> d.CreatorData:
    return d.CreatorData(**_creator(origin))


def creator_added(origin: EventOrigin) -> d.CreatorAddedData:
    """Return the settings of an added creator, or of one that came back."""
    assert isinstance(origin.event, e.CreatorAdded | e.CreatorReactivated)
    return copied(origin.event, d.CreatorAddedData, **_creator(origin))


def creator_renamed(origin: EventOrigin) -> d.CreatorRenamedData:
    assert isinstance(origin.event, e.HandleChanged)
    return d.CreatorRenamedData(
        creator_id=origin.subject_id,
        handle=origin.event.new,
        old_handle=origin.event.old,
    )


def creator_moved(origin: EventOrigin) -> d.CreatorMovedData:
    """Return a move, without a project that the reader may not see."""
    event, seen = origin.event, origin.project_ids
    assert isinstance(event, e.CreatorMoved)
    if seen is None or event.old_project_id in seen:
        return copied(event, d.CreatorMovedData, **_creator(origin))
    hidden = {"old_project_id": None, "history": None}
    return copied(event, d.CreatorMovedData, **_creator(origin), **hidden)


def creator_disabled(origin: EventOrigin) -> d.CreatorDisabledData:
    scraped: dict[str, Any] = {"reason": BY_HAND, "scrape_id": None}
    duplicate_of = None
    if isinstance(origin.event, e.CreatorAutoDisabled):
        event = origin.event
        scraped = {"reason": event.verdict, "scrape_id": event.scrape_id}
        duplicate_of = event.duplicate_of
    return d.CreatorDisabledData(
        **_creator(origin), **scraped, duplicate_of=duplicate_of
    )


def creator_connected(origin: EventOrigin) -> d.CreatorConnectedData:
    assert isinstance(origin.event, e.CreatorConnected)
    scopes = [*origin.event.scopes]
    return copied(
        origin.event, d.CreatorConnectedData, **_creator(origin), scopes=scopes
    )


def creator_disconnected(origin: EventOrigin) -> d.CreatorDisconnectedData:
    assert isinstance(origin.event, e.CreatorConnectionLost)
    return copied(origin.event, d.CreatorDisconnectedData, **_creator(origin))


def creator_milestone(origin: EventOrigin) -> d.CreatorMilestoneData:
    assert origin.milestone is not None
    assert origin.count is not None
    return d.CreatorMilestoneData(
        **_creator(origin),
        metric="followers",
        milestone=origin.milestone,
        count=origin.count,
    )


def video_discovered(origin: EventOrigin) -> d.VideoDiscoveredData:
    assert isinstance(origin.event, e.VideoDiscovered)
    return copied(origin.event, d.VideoDiscoveredData, **_video(origin))


def video_pending(origin: EventOrigin) -> d.VideoPendingReviewData:
    posted_at = getattr(origin.named, "posted_at", None)
    return d.VideoPendingReviewData(**_video(origin), posted_at=posted_at)


def video_reviewed(origin: EventOrigin) -> d.VideoReviewedData:
    assert origin.event is not None
    decision = DECISIONS[type(origin.event)]
    return d.VideoReviewedData(**_video(origin), decision=decision)


def video_missing(origin: EventOrigin) -> d.VideoMissingData:
    assert isinstance(origin.event, e.VideoWentMissing)
    return copied(origin.event, d.VideoMissingData, **_video(origin))


def video_milestone(origin: EventOrigin) -> d.VideoMilestoneData:
    assert origin.milestone is not None
    assert origin.count is not None
    return d.VideoMilestoneData(
        **_video(origin),
        metric="views",
        milestone=origin.milestone,
        count=origin.count,
    )


def scrape_failed(origin: EventOrigin) -> d.ScrapeFailedData:
    assert isinstance(origin.event, e.ScrapeFailed)
    request = origin.named if isinstance(origin.named, e.ScrapeRequested) else None
    return copied(
        origin.event,
        d.ScrapeFailedData,
        scrape_id=origin.stream,
        video_id=None if request is None else request.video_id,
        handle=None if request is None else request.handle,
    )


def campaign_data(origin: EventOrigin) -> d.CampaignData:
    return d.CampaignData(**_campaign(origin))


def source_failing(origin: EventOrigin) -> d.SourceFailingData:
    assert isinstance(origin.event, e.SourceFailing)
    return copied(origin.event, d.SourceFailingData, source_id=origin.subject_id)


def source_recovered(origin: EventOrigin) -> d.SourceRecoveredData:
    assert isinstance(origin.event, e.SourceRecovered)
    return copied(origin.event, d.SourceRecoveredData, source_id=origin.subject_id)


def import_finished(origin: EventOrigin) -> d.ImportFinishedData:
    assert isinstance(origin.event, e.ImportFinished)
    return copied(origin.event, d.ImportFinishedData, import_id=origin.subject_id)


def campaign_created(origin: EventOrigin) -> d.CampaignCreatedData:
    assert isinstance(origin.event, e.CampaignCreated)
    return copied(origin.event, d.CampaignCreatedData, **_campaign(origin))


def campaign_updated(origin: EventOrigin) -> d.CampaignUpdatedData:
    """Return the changed fields; a target has all of its fields in one change."""
    event = origin.event
    assert isinstance(event, e.CampaignDetailsChanged | e.CampaignTargetChanged)
    fields = [
        name
        for name in event.__struct_fields__
        if name != "organization_id" and getattr(event, name) is not UNSET
    ]
    return d.CampaignUpdatedData(**_campaign(origin), changed=fields)


def campaign_item(origin: EventOrigin) -> d.CampaignItemData:
    assert isinstance(origin.event, e.CampaignItemAdded | e.CampaignItemRemoved)
    return copied(origin.event, d.CampaignItemData, **_campaign(origin))


def campaign_target(origin: EventOrigin) -> d.CampaignTargetData:
    assert isinstance(origin.event, e.CampaignTargetReached | e.CampaignTargetMissed)
    at = target_time(origin.event)
    return copied(origin.event, d.CampaignTargetData, **_campaign(origin), at=at)


def target_time(event: e.CampaignTargetReached | e.CampaignTargetMissed) -> datetime:
    """Return the time at which a target was reached, or at which its time ended."""
    is_reached = isinstance(event, e.CampaignTargetReached)
    return event.reached_at if is_reached else event.target_at


def _alert(origin: EventOrigin) -> dict[str, Any]:
    event = origin.event
    assert isinstance(event, e.AlertOpened | e.AlertResolved)
    about = AlertSubject(type=event.subject_type, id=event.subject_key)
    handle = None if event.creator_id is None else _creator(origin)["handle"]
    return {
        "alert_id": origin.subject_id,
        "words": words_of(event.condition),
        "about": about,
        "handle": handle,
    }


def alert_opened(origin: EventOrigin) -> d.AlertOpenedData:
    assert isinstance(origin.event, e.AlertOpened)
    return copied(origin.event, d.AlertOpenedData, **_alert(origin))


def alert_resolved(origin: EventOrigin) -> d.AlertResolvedData:
    assert isinstance(origin.event, e.AlertResolved)
    return copied(origin.event, d.AlertResolvedData, **_alert(origin))


def report_ready(origin: EventOrigin) -> d.ReportReadyData:
    event = origin.event
    assert isinstance(event, e.ReportIssued)
    return copied(
        event,
        d.ReportReadyData,
        report_id=origin.subject_id,
        issue_id=report_issue(origin.subject_id, event.number),
        from_=event.first_day,
        to=event.last_day,
    )


def member_joined(origin: EventOrigin) -> d.MemberJoinedData:
    assert isinstance(origin.event, e.MemberAdded)
    ids = origin.event.project_ids
    return d.MemberJoinedData(
        **_person(origin),
        role=origin.event.role,
        project_ids=None if ids is None else [*ids],
    )


def member_left(origin: EventOrigin) -> d.MemberLeftData:
    return d.MemberLeftData(**_person(origin))


def subject_erased(origin: EventOrigin) -> d.SubjectErasedData:
    assert isinstance(origin.event, e.SubjectErased)
    return copied(
        origin.event,
        d.SubjectErasedData,
        creator_id=origin.subject_id,
        handle=origin.event.handle,
    )
