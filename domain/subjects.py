"""Subjects: the person or thing whose key seals the personal fields of an event.

The subject of an event about a creator is the creator, by its id. A video without a
creator is its own subject, and so is a thing that no person is behind. The subject of
an invited address is the invitation. The texts that a tenant gives its own things have
subjects of their own; forgetting earlier texts of a thing begins a new subject.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Final, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain import events as e
from domain.errors import DomainError
from domain.messages import Event
from domain.streams import texts_subject, video_stream
from domain.texts import TextsKind

# Events with names and notes that a tenant gives its own things.
TEXT_EVENTS = (
    e.OrganizationCreated,
    e.OrganizationSettingsChanged,
    e.ApiKeyCreated,
    e.ApiKeyRenamed,
    e.ProjectCreated,
    e.ProjectDetailsChanged,
    e.CampaignCreated,
    e.CampaignDetailsChanged,
    e.ViewSaved,
    e.ViewChanged,
    e.ShareMade,
    e.ShareChanged,
    e.AlertRuleMade,
    e.AlertRuleChanged,
    e.ReportMade,
    e.ReportChanged,
    e.RecipientUnsubscribed,
    e.ChannelAdded,
    e.ChannelChanged,
)

OWN_SUBJECTS: Final[frozenset[TextsKind]] = frozenset({"view", "alert_rule", "channel"})
"""The kinds of things that are the subject of their first texts."""

HistoryOf = Callable[[UUID], Iterable[Event]]


class SubjectErasedError(DomainError):
    """The subject was erased, so nothing personal about it is stored any more."""

    code = "gone"

    def __init__(self) -> None:
        super().__init__("It was erased, and nothing more is stored about it.")


@cache
def personal_fields(kind: type[Event]) -> tuple[str, ...]:
    """Return the names of an event's fields that are annotated as ``Personal``."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name in kind.__struct_fields__ if _is_personal(hints[name]))


def subject_of(stream: UUID, event: Event, history_of: HistoryOf) -> UUID:
    """Return the subject of an event of a stream.

    ``history_of`` returns the events of a stream that were read before this event. They
    say which creator a video has, and what a note or a run is about.
    """
    creator_id: UUID | None = getattr(event, "creator_id", None)
    if creator_id is not None:
        return creator_id
    match event:
        case e.CreatorAdded():
            # The creator's own stream is the subject. CreatorAdded comes by the dozen,
            # and trying all cases takes longer than sealing the event.
            return stream
        case e.ScrapeRequested(video_id=UUID() as video_id):
            return video_id
        case e.ScrapeRequested(tiktok_video_ids=(tiktok_video_id, *_)):
            return video_stream(event.project_id, tiktok_video_id)
        case e.AnnotationAdded(scope="video"):
            return _subject_of_video(event.scope_id, history_of)
        case e.AnnotationAdded():
            return event.scope_id
        case (
            e.VideoStatsSnapshotRecorded()
            | e.ScrapeSucceeded()
            | e.ScrapeFailed()
            | e.AnnotationChanged()
        ):
            first = next(iter(history_of(stream)), None)
            if isinstance(first, e.ScrapeRequested | e.AnnotationAdded):
                return subject_of(stream, first, history_of)
            return stream
        case e.VideoAdded() | e.VideoDetailsChanged():
            return _subject_of_video(stream, history_of)
        case e.InvitationMade(id=invitation_id):
            return invitation_id
        case e.EarlierTextsForgotten():
            return _subject_of_texts(stream, event, history_of)
        case _ if isinstance(event, TEXT_EVENTS):
            return _subject_of_texts(stream, event, history_of)
        case _:
            return stream


def owner_of_texts(stream: UUID, event: Event) -> UUID | None:
    """Return the thing of a tenant whose texts an event has.

    None means that the event has no texts of such a thing.
    """
    match event:
        case e.EarlierTextsForgotten(of=of):
            return of
        case e.ApiKeyCreated(key_id=of) | e.ApiKeyRenamed(key_id=of):
            return of
        case e.ProjectCreated(project_id=of) | e.ProjectDetailsChanged(project_id=of):
            return of
        case (
            e.OrganizationCreated()
            | e.OrganizationSettingsChanged()
            | e.CampaignCreated()
            | e.CampaignDetailsChanged()
            | e.ViewSaved()
            | e.ViewChanged()
            | e.ShareMade()
            | e.ShareChanged()
            | e.AlertRuleMade()
            | e.AlertRuleChanged()
            | e.ReportMade()
            | e.ReportChanged()
            | e.RecipientUnsubscribed()
            | e.ChannelAdded()
            | e.ChannelChanged()
        ):
            return stream
        case _:
            return None


def subject_of_texts(kind: TextsKind, of: UUID, forgotten: int) -> UUID:
    """Return the subject of a thing's texts, which were forgotten so often before."""
    # These were sealed under the thing before any texts could be forgotten.
    if kind in OWN_SUBJECTS and forgotten == 0:
        return of
    return texts_subject(of, forgotten)


def _subject_of_texts(stream: UUID, event: Event, history_of: HistoryOf) -> UUID:
    of = owner_of_texts(stream, event) or stream
    forgotten = sum(
        isinstance(each, e.EarlierTextsForgotten) and each.of == of
        for each in history_of(stream)
    )
    if isinstance(event, e.EarlierTextsForgotten):
        # It has the present texts, and the new subject begins with it.
        return subject_of_texts(event.kind, of, forgotten + 1)
    kind: TextsKind = "campaign"
    if isinstance(event, e.ViewSaved | e.ViewChanged):
        kind = "view"
    elif isinstance(event, e.AlertRuleMade | e.AlertRuleChanged):
        kind = "alert_rule"
    elif isinstance(event, e.ChannelAdded | e.ChannelChanged):
        kind = "channel"
    return subject_of_texts(kind, of, forgotten)


def _subject_of_video(video_id: UUID, history_of: HistoryOf) -> UUID:
    """Return the creator that a video's events name last, else the video itself."""
    subject = video_id
    for event in history_of(video_id):
        if isinstance(event, e.VideoDiscovered):
            subject = event.creator_id
    return subject


def _is_personal(hint: object) -> bool:
    return get_origin(hint) is Annotated and any(
        isinstance(each, msgspec.Meta) and (each.extra or {}).get("personal", False)
        for each in get_args(hint)[1:]
    )
