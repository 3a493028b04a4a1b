"""One video of a project: added by its URL, described, put aside, tracked no more."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.errors import CreatorBannedError, NotFoundError, StaleVersionError
from domain.streams import ban_stream, video_stream
from domain.video import commands as c
from domain.video import decider as domain
from domain.video.decider import Video
from domain.video.url import read_video_url
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import (
    History,
    banned_by,
    check_project,
    next_entries,
    video_of,
)
from infra.handlers.video_scrapes import requested


class VideoChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A video's whole stream after the command; position None: nothing new.

    ``is_new`` tells whether the project had no such video before.
    """

    video_id: UUID
    history: tuple[RecordedEvent, ...]
    position: int | None
    is_new: bool = False


VideoAlongside = Callable[[Cursor[TupleRow], VideoChanged], None]


def add_video(
    store: Store,
    url: str,
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: VideoAlongside | None = None,
) -> VideoChanged:
    """Track the video of a URL, whatever it was before; a new one is looked at once.

    Raises:
        InvalidVideoUrlError: the text names no video.
        NotFoundError: no such project in the organization.
        CreatorBannedError: the URL's handle is banned here.
        BusyError: too many writers at once.
    """
    named = read_video_url(url)
    video_id = video_stream(project_id, named.tiktok_video_id)
    ban = ban_stream(named.handle)

    def attempt() -> VideoChanged:
        pasts = store.load(organization_id, video_id, ban)
        check_project(pasts[organization_id], project_id)
        past = pasts[video_id]
        events = domain.decide(
            video_of(past),
            c.AddVideo(
                organization_id=organization_id,
                project_id=project_id,
                tiktok_video_id=named.tiktok_video_id,
                handle=named.handle,
                kind=named.kind,
            ),
        )
        if events and banned_by(pasts[ban]):
            raise CreatorBannedError(named.handle)
        entries = next_entries(video_id, past, events)
        if not past:
            added = video_of_events(None, events)
            entries.append(requested(added, video_id, trigger="added", context=context))
        return _append(
            store, video_id, past, entries,
            guards=[(ban, len(pasts[ban]))], context=context,
            in_transaction=in_transaction,
        )  # fmt: skip

    return retry_conflicts(attempt)


def change_video(
    store: Store,
    video_id: UUID,
    command: c.ChangeVideoDetails | c.DisableTracking,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: VideoAlongside | None = None,
) -> VideoChanged:
    """Change what is noted on a video, or stop counting it.

    Raises:
        NotFoundError: no such video in the organization, or it was excluded.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """

    def attempt() -> VideoChanged:
        past = store.load(video_id)[video_id]
        video = listed(past, organization_id)
        _check_version(past, expected_versions)
        entries = next_entries(video_id, past, domain.decide(video, command))
        return _append(
            store,
            video_id,
            past,
            entries,
            context=context,
            in_transaction=in_transaction,
        )

    return retry_conflicts(attempt)


def exclude_video(
    store: Store,
    video_id: UUID,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: VideoAlongside | None = None,
) -> VideoChanged:
    """Put a video aside; one that was excluded stays as it is.

    Raises:
        NotFoundError: no such video in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """

    def attempt() -> VideoChanged:
        past = store.load(video_id)[video_id]
        video = _own(past, organization_id)
        _check_version(past, expected_versions)
        entries = next_entries(video_id, past, domain.decide(video, c.ExcludeVideo()))
        return _append(
            store,
            video_id,
            past,
            entries,
            context=context,
            in_transaction=in_transaction,
        )

    return retry_conflicts(attempt)


def listed(history: History, organization_id: UUID) -> Video:
    """Return a video that clients can see: the organization's own, not excluded.

    Raises:
        NotFoundError: it is neither.
    """
    video = _own(history, organization_id)
    if video.tracking_status == "excluded":
        raise NotFoundError("video")
    return video


def video_of_events(video: Video | None, events: Sequence[e.VideoEvent]) -> Video:
    """Return the video after further events, of which a new one has at least one."""
    for event in events:
        video = domain.evolve(video, event)
    assert video is not None
    return video


def _own(past: History, organization_id: UUID) -> Video:
    video = video_of(past)
    if video is None or video.organization_id != organization_id:
        raise NotFoundError("video")
    return video


def _check_version(past: History, expected_versions: Collection[int] | None) -> None:
    if expected_versions is not None and len(past) not in expected_versions:
        raise StaleVersionError(len(past))


def _append(
    store: Store,
    video_id: UUID,
    past: History,
    entries: Sequence[NewEvent],
    *,
    context: Context,
    guards: Sequence[tuple[UUID, int]] = (),
    in_transaction: VideoAlongside | None,
) -> VideoChanged:
    def changed(events: Sequence[RecordedEvent]) -> VideoChanged:
        own = [event for event in events if event.stream == video_id]
        return VideoChanged(
            video_id=video_id,
            history=(*past, *own),
            position=events[-1].position if events else None,
            is_new=not past,
        )

    if not entries:
        return changed([])
    return changed(
        store.append(
            entries,
            context=context,
            guards=guards,
            in_transaction=adapt_hook(in_transaction, changed),
        )
    )
