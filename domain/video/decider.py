"""Videos: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never, cast
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import (
    Event,
    TrackingStatus,
    VideoKind,
    changed_fields,
    copied,
    set_fields,
)
from domain.tags import read_tags
from domain.video import commands as c
from domain.video import events as e
from domain.video.errors import VideoMergedError
from domain.video.tracking import Tracking, tracking_after

# These statuses are decisions that can be undone.
_DECIDED: frozenset[TrackingStatus] = frozenset({"included", "excluded"})
# Policies and erasures send these commands to videos that may be merged by then.
_UNASKED = (
    *(c.ExcludeVideo, c.MoveWindow),
    *(c.ReportMissing, c.ReportTakeOff, c.MergeVideo),
)
# The fields of a video that people describe it with.
DETAILS = ("description", "readme", "metadata", "tags")


class VideoState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a video from its own stream, without scraped figures.

    ``pseudonym`` is the name of the video in snapshots. ``merged_into`` is the video of
    its creator that replaced this one, and None again once the video was added anew.
    """

    organization_id: UUID
    project_id: UUID
    tiktok_video_id: str
    pseudonym: str
    handle: str
    tracking_status: TrackingStatus
    tracking_enabled: bool = True
    creator_id: UUID | None = None
    kind: VideoKind | None = None
    posted_at: datetime | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}
    tags: list[str] = []
    missing_since: datetime | None = None
    has_taken_off: bool = False
    merged_into: UUID | None = None

    @property
    def tracking(self) -> Tracking:
        return Tracking(self.tracking_status, self.tracking_enabled)

    @property
    def is_counted(self) -> bool:
        return self.tracking.is_counted


def decide(video: VideoState | None, command: c.VideoCommand) -> list[e.VideoEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no video with this id.
        VideoMergedError: the video was merged into another one.
        InvalidTagError: a tag is not allowed, or there are too many.
    """
    match command:
        case c.DiscoverVideo():
            return _discover(video, command)
        case c.AddVideo():
            return _add(video, command)
        case _:
            pass
    if video is None:
        raise NotFoundError("video")
    organization_id = video.organization_id
    if video.merged_into is not None:
        if isinstance(command, _UNASKED):
            return []
        raise VideoMergedError(video.merged_into)
    match command:
        case c.MoveWindow(tracking_status=status):
            if video.tracking_status != "out_of_window" or status == "out_of_window":
                return []
            return [
                e.VideoCameIntoWindow(
                    organization_id=organization_id, tracking_status=status
                )
            ]
        case c.IncludeVideo():
            if video.is_counted:
                return []
            return [e.VideoIncluded(organization_id=organization_id)]
        case c.ExcludeVideo():
            if video.tracking_status == "excluded":
                return []
            return [e.VideoExcluded(organization_id=organization_id)]
        case c.PutBackVideo():
            if video.tracking_status not in _DECIDED:
                return []
            return [e.VideoPutBack(organization_id=organization_id)]
        case c.DisableTracking():
            if not video.is_counted:
                return []
            return [e.VideoTrackingDisabled(organization_id=organization_id)]
        case c.ChangeVideoDetails():
            return _change_details(video, command)
        case c.MergeVideo():
            return [copied(command, e.VideoMerged, organization_id=organization_id)]
        case c.ReportMissing(missing_since=since):
            # This absence, or an older one, was reported before.
            if video.missing_since is not None and since <= video.missing_since:
                return []
            return [
                copied(command, e.VideoWentMissing, organization_id=organization_id)
            ]
        case c.ReportTakeOff():
            if video.has_taken_off or not video.is_counted:
                return []
            return [copied(command, e.VideoTookOff, organization_id=organization_id)]
        case _:
            assert_never(command)


def evolve(video: VideoState | None, event: e.VideoEvent) -> VideoState:
    """Return the video after ``event``; it never refuses."""
    match event:
        case e.VideoDiscovered():
            return _discovered(video, event)
        case e.VideoAdded():
            return _added(video, event)
        case _:
            pass
    if video is None:
        msg = "A video's history must begin with video_discovered or video_added."
        raise CorruptHistoryError(msg)
    match event:
        case (
            e.VideoCameIntoWindow()
            | e.VideoIncluded()
            | e.VideoExcluded()
            | e.VideoPutBack()
            | e.VideoTrackingDisabled()
        ):
            return _tracked(video, event)
        case e.VideoDetailsChanged():
            return replace(video, **set_fields(event, DETAILS))
        case e.VideoWentMissing(missing_since=since):
            return replace(video, missing_since=since)
        case e.VideoTookOff():
            return replace(video, has_taken_off=True)
        case e.VideoMerged(into_video_id=into_video_id):
            return replace(_tracked(video, event), merged_into=into_video_id)
        case _:
            assert_never(event)


def video_of(history: Sequence[Event]) -> VideoState | None:
    """Return the video of this history, None if the history is not a video's."""
    if not history or not isinstance(history[0], e.VideoEvent):
        return None
    return video_after(None, cast("Sequence[e.VideoEvent]", history))


def video_after(video: VideoState | None, events: Sequence[e.VideoEvent]) -> VideoState:
    """Return the video after these events; a new video needs at least one event."""
    for event in events:
        video = evolve(video, event)
    assert video is not None
    return video


def _discover(video: VideoState | None, command: c.DiscoverVideo) -> list[e.VideoEvent]:
    if video is not None and video.creator_id is not None:
        return decide(video, c.MoveWindow(tracking_status=command.tracking_status))
    return [copied(command, e.VideoDiscovered)]


def _add(video: VideoState | None, command: c.AddVideo) -> list[e.VideoEvent]:
    tags = [] if command.tags is UNSET else read_tags(command.tags)
    if video is None:
        return [copied(command, e.VideoAdded, tags=tags)]
    # A video that is known already changes its tags by an event of their own.
    tagged = _change_details(video, c.ChangeVideoDetails(tags=command.tags))
    if video.is_counted:
        return tagged
    return [copied(command, e.VideoAdded, tags=[]), *tagged]


def _change_details(
    video: VideoState, command: c.ChangeVideoDetails
) -> list[e.VideoEvent]:
    if command.tags is not UNSET:
        command = replace(command, tags=read_tags(command.tags))
    changed = changed_fields(command, video, DETAILS)
    if not changed:
        return []
    return [e.VideoDetailsChanged(organization_id=video.organization_id, **changed)]


def _discovered(video: VideoState | None, event: e.VideoDiscovered) -> VideoState:
    if video is not None:
        # A video that was added by hand stays so; this event names its creator.
        return replace(
            _tracked(video, event),
            merged_into=None,
            creator_id=event.creator_id,
            kind=event.kind or video.kind,
            posted_at=event.posted_at,
        )
    return copied(event, VideoState, pseudonym=event.pseudonym or event.tiktok_video_id)


def _tracked(video: VideoState, event: e.VideoEvent) -> VideoState:
    tracking = tracking_after(video.tracking, event)
    assert tracking is not None, "the video is known"
    return replace(
        video, tracking_status=tracking.status, tracking_enabled=tracking.is_enabled
    )


def _added(video: VideoState | None, event: e.VideoAdded) -> VideoState:
    if video is not None:
        return replace(_tracked(video, event), merged_into=None)
    return copied(
        event,
        VideoState,
        pseudonym=event.pseudonym or event.tiktok_video_id,
        tracking_status="direct_add",
    )
