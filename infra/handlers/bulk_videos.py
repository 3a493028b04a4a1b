"""Many videos of one project at once: decided in review, or tracked no more."""

from collections.abc import Callable, Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.video import commands as c
from domain.video import decider as domain
from infra.eventstore.append import Context
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import check_project, next_entries, video_of
from infra.handlers.videos import video_of_events

Decision = Literal["include", "exclude", "put_back"]
_Command = c.IncludeVideo | c.ExcludeVideo | c.PutBackVideo | c.DisableTracking

_DECISIONS: dict[Decision, _Command] = {
    "include": c.IncludeVideo(),
    "exclude": c.ExcludeVideo(),
    "put_back": c.PutBackVideo(),
}
_NOTHING_TO_DO: dict[type[_Command], str] = {
    c.IncludeVideo: "already tracked",
    c.ExcludeVideo: "already excluded",
    c.PutBackVideo: "not decided about",
    c.DisableTracking: "not tracked",
}


class VideoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one video of a bulk command; ``reason`` where not ok."""

    video_id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None


class VideosDone(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order asked; position None: nothing new."""

    results: tuple[VideoResult, ...]
    position: int | None


VideosAlongside = Callable[[Cursor[TupleRow], VideosDone], None]


def review_videos(
    store: Store,
    decisions: Sequence[tuple[UUID, Decision]],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: VideosAlongside | None = None,
) -> VideosDone:
    """Include, exclude or put back many videos of one project in one append.

    What was excluded before can be included again. What is put back waits for review
    as if nobody had decided. Decisions about one video are taken
    in the order given.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """
    return _carry_out(
        store,
        [(video_id, _DECISIONS[decision]) for video_id, decision in decisions],
        organization_id=organization_id,
        project_id=project_id,
        context=context,
        in_transaction=in_transaction,
    )


def disable_videos(
    store: Store,
    video_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: VideosAlongside | None = None,
) -> VideosDone:
    """Stop counting many videos of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """
    return _carry_out(
        store,
        [(video_id, c.DisableTracking()) for video_id in video_ids],
        organization_id=organization_id,
        project_id=project_id,
        context=context,
        in_transaction=in_transaction,
    )


def _carry_out(
    store: Store,
    asked: Sequence[tuple[UUID, _Command]],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: VideosAlongside | None,
) -> VideosDone:
    def attempt() -> VideosDone:
        pasts = store.load(organization_id, *(video_id for video_id, _ in asked))
        check_project(pasts[organization_id], project_id)
        videos = {video_id: video_of(pasts[video_id]) for video_id, _ in asked}
        fresh: dict[UUID, list[e.VideoEvent]] = {}
        results: list[VideoResult] = []
        for video_id, command in asked:
            video = videos[video_id]
            if video is None or not _is_there(video, project_id, command):
                results.append(
                    VideoResult(video_id=video_id, status="failed", reason="not_found")
                )
                continue
            events = domain.decide(video, command)
            if not events:
                reason = _NOTHING_TO_DO[type(command)]
                results.append(
                    VideoResult(video_id=video_id, status="skipped", reason=reason)
                )
                continue
            videos[video_id] = video_of_events(video, events)
            fresh.setdefault(video_id, []).extend(events)
            results.append(VideoResult(video_id=video_id, status="ok"))

        def done(events: Sequence[RecordedEvent]) -> VideosDone:
            position = events[-1].position if events else None
            return VideosDone(results=tuple(results), position=position)

        if not fresh:
            return done([])
        entries = [
            entry
            for video_id, events in fresh.items()
            for entry in next_entries(video_id, pasts[video_id], events)
        ]
        return done(
            store.append(
                entries,
                context=context,
                in_transaction=adapt_hook(in_transaction, done),
            )
        )

    return retry_conflicts(attempt)


def _is_there(video: domain.Video, project_id: UUID, command: _Command) -> bool:
    """Tell whether the project has the video; one put aside only review still finds."""
    is_hidden = video.tracking_status == "excluded"
    return video.project_id == project_id and not (
        is_hidden and isinstance(command, c.DisableTracking)
    )
