"""Discovery: what runs saw of videos becomes events about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain import events as e
from domain.creator.decider import Creator
from domain.organization.decider import Organization
from domain.streams import video_stream
from domain.video import commands as c
from domain.video import decider
from domain.video.decider import Window
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, retry_conflicts
from infra.handlers.handling import creator_of, next_entries, organization_of, video_of


class ListedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """A video as a run of its creator listed it; what the run did not tell is null."""

    tiktok_video_id: str
    scrape_id: UUID
    kind: e.VideoKind | None = None
    title: str | None = None
    posted_at: datetime | None = None


class _Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision about a creator's videos rests on."""

    creator: Creator
    window: Window
    guards: list[tuple[UUID, int]]


def discover_videos(
    store: Store,
    creator_id: UUID,
    listed: Sequence[ListedVideo],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Make each listed video known to the project as this creator's, in one append.

    What it knows already stays as it is, and of a removed creator nothing becomes
    known. The append loses against a change of the creator or the organization, so
    that a status always follows from the window that stood at its own place in the log.

    Raises:
        BusyError: too many writers at once.
    """
    streams = {video_stream(project_id, seen.tiktok_video_id): seen for seen in listed}

    def attempt() -> list[RecordedEvent]:
        pasts = store.load(organization_id, creator_id, *streams)
        grounds = _grounds(pasts, organization_id, creator_id)
        if grounds is None:
            return []
        entries: list[NewEvent] = []
        for stream, seen in streams.items():
            known = video_of(pasts[stream])
            if known is not None and known.creator_id is not None:
                # If it is another's by now, that is not for a list to decide.
                continue
            events = decider.decide(
                known,
                c.DiscoverVideo(
                    organization_id=organization_id,
                    project_id=project_id,
                    creator_id=creator_id,
                    tiktok_video_id=seen.tiktok_video_id,
                    handle=grounds.creator.handle,
                    tracking_status=grounds.window.status_of(seen.posted_at),
                    scrape_id=seen.scrape_id,
                    kind=seen.kind,
                    title=seen.title,
                    posted_at=seen.posted_at,
                ),
            )
            entries += next_entries(stream, pasts[stream], events)
        if not entries:
            return []
        return store.append(entries, context=context, guards=grounds.guards)

    return retry_conflicts(attempt)


def move_window(
    store: Store,
    creator_id: UUID,
    outside: Mapping[UUID, datetime | None],
    *,
    organization_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Bring in the videos that the creator's window has grown over, in one append.

    ``outside`` are the streams of those remembered outside, each with the time it was
    posted at. A window that shrinks takes nothing back.

    Raises:
        BusyError: too many writers at once.
    """

    def attempt() -> list[RecordedEvent]:
        pasts = store.load(organization_id, creator_id)
        grounds = _grounds(pasts, organization_id, creator_id)
        if grounds is None:
            return []
        statuses: dict[UUID, e.TrackingStatus] = {
            stream: status
            for stream, posted_at in outside.items()
            if (status := grounds.window.status_of(posted_at)) != "out_of_window"
        }
        if not statuses:
            return []
        videos = store.load(*statuses)
        entries = [
            entry
            for stream, status in statuses.items()
            for entry in next_entries(
                stream,
                videos[stream],
                decider.decide(
                    video_of(videos[stream]), c.MoveWindow(tracking_status=status)
                ),
            )
        ]
        if not entries:
            return []
        return store.append(entries, context=context, guards=grounds.guards)

    return retry_conflicts(attempt)


def report_missing(
    store: Store,
    missing: Mapping[UUID, datetime],
    *,
    scrape_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Tell of videos that run ``scrape_id`` confirmed gone, by stream, with since when.

    Telling the same absence again changes nothing, and so does telling of a video that
    the project does not have.

    Raises:
        BusyError: too many writers at once.
    """

    def attempt() -> list[RecordedEvent]:
        pasts = store.load(*missing)
        entries = [
            entry
            for stream, since in missing.items()
            if (known := video_of(pasts[stream])) is not None
            for entry in next_entries(
                stream,
                pasts[stream],
                decider.decide(
                    known, c.ReportMissing(missing_since=since, scrape_id=scrape_id)
                ),
            )
        ]
        return store.append(entries, context=context) if entries else []

    return retry_conflicts(attempt)


def _grounds(
    pasts: Mapping[UUID, Sequence[RecordedEvent]],
    organization_id: UUID,
    creator_id: UUID,
) -> _Grounds | None:
    """Return what to decide by; None if the creator is not tracked any more."""
    creator = creator_of(pasts[creator_id])
    organization: Organization | None = organization_of(pasts[organization_id])
    if creator is None or organization is None or creator.status == "removed":
        return None
    return _Grounds(
        creator=creator,
        window=Window(
            tracking_mode=creator.tracking_mode,
            tracking_start_date=creator.tracking_start_date,
            tracking_end_date=creator.tracking_end_date,
            time_zone=organization.time_zone,
        ),
        guards=[
            (creator_id, len(pasts[creator_id])),
            (organization_id, len(pasts[organization_id])),
        ],
    )
