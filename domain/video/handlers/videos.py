"""The handlers of commands to videos: one, many, and those that scrapes list."""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain import commands as c
from domain import events as e
from domain.creator.decider import CreatorState, check_not_erased, creator_of
from domain.creator.erased_bans import check_not_banned
from domain.creator.handle_ban import is_banned
from domain.creator.handle_claim import claim_of
from domain.decisions import (
    Decision,
    Handler,
    HiddenHistory,
    Histories,
    History,
    ItemResult,
    ItemResults,
    StreamEvent,
    check_version,
    on,
)
from domain.errors import CreatorBannedError, NotFoundError
from domain.messages import copied
from domain.organization.decider import (
    organization_of,
    owner_of_open_project,
    project_owner,
)
from domain.scrape.requests import video_run
from domain.streams import Names, erased_bans_stream, video_stream
from domain.video.attributes import VideoAttributes
from domain.video.decider import VideoState, decide, video_after, video_of
from domain.video.errors import (
    VideoElsewhereError,
    VideoMergedError,
    VideoTakenError,
)
from domain.video.handlers.merge import SingleVideo, merge_videos
from domain.video.url import read_video_url
from domain.video.window import Window

ReviewDecision = Literal["include", "exclude", "put_back"]
_BulkCommand = c.IncludeVideo | c.ExcludeVideo | c.PutBackVideo | c.DisableTracking

_REVIEW: dict[ReviewDecision, _BulkCommand] = {
    "include": c.IncludeVideo(),
    "exclude": c.ExcludeVideo(),
    "put_back": c.PutBackVideo(),
}
_NOTHING_TO_DO: dict[type[_BulkCommand], str] = {
    c.IncludeVideo: "already tracked",
    c.ExcludeVideo: "already excluded",
    c.PutBackVideo: "not decided about",
    c.DisableTracking: "not tracked",
}


class ListedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """A video in the list of a scrape of its creator.

    Details that the list left out are null. ``tiktok_video_id`` is null if an earlier
    list has it.
    """

    pseudonym: str
    tiktok_video_id: str | None
    scrape_id: UUID
    kind: e.VideoKind | None = None
    title: str | None = None
    posted_at: datetime | None = None
    attributes: VideoAttributes | None = None


def add_video(
    url: str,
    *,
    organization_id: UUID,
    project_id: UUID,
    command_id: UUID,
    names: Names,
    tags: list[str] | UnsetType = UNSET,
    of_creators: Collection[UUID] = (),
) -> Handler[UUID]:
    """Track the video of a URL, even an excluded one; scrape it if it is new.

    Unset tags of a known video stay as they are. ``of_creators`` are videos of moved
    creators that may be this video. The result is the video's id.
    """
    named = read_video_url(url)
    ban, erased = names.ban_stream(named.handle), erased_bans_stream(organization_id)
    claim = names.claim_stream(project_id, named.handle)
    pseudonym = names.pseudonym(named.tiktok_video_id)
    video_id = video_stream(project_id, pseudonym)
    histories = yield (organization_id, ban, erased, claim, video_id)
    owner_of_open_project(histories[organization_id], project_id)
    origin_id = project_id
    if holder := claim_of(histories[claim]).holder:
        holders = yield (holder,)
        creator = creator_of(holders[holder])
        # The ids of a moved creator's videos are computed with its first project.
        origin_id = creator.origin_project_id if creator else project_id
    theirs = yield from _of_who_moved_here(
        of_creators, named.tiktok_video_id, project_id
    )
    if theirs is not None:
        video_id = theirs
    elif origin_id != project_id:
        video_id = video_stream(origin_id, pseudonym)
    histories = {**histories, **(yield (video_id,))}
    if isinstance(histories[video_id], HiddenHistory):
        raise VideoTakenError
    video = video_of(histories[video_id])
    if video is not None and video.creator_id is not None:
        owners = yield (video.creator_id,)
        check_not_erased(creator_of(owners[video.creator_id]))
        if project_with(video, owners) != project_id:
            raise VideoElsewhereError
    added = decide(
        video,
        c.AddVideo(
            organization_id=organization_id,
            project_id=origin_id,
            tiktok_video_id=named.tiktok_video_id,
            pseudonym=pseudonym,
            handle=named.handle,
            kind=named.kind,
            tags=tags,
        ),
    )
    if added and is_banned(histories[ban]):
        raise CreatorBannedError(named.handle)
    if added:
        check_not_banned(named.handle, organization_id, histories[erased], names)
    events = on(video_id, added)
    if video is None:
        events += video_run(
            video_after(None, added), video_id, trigger="added", command_id=command_id
        )
    return Decision(video_id, events=events, guards=[ban, erased])


def change_video(
    video_id: UUID,
    command: c.ChangeVideoDetails | c.DisableTracking,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change the notes of a video, or stop counting it."""
    histories = yield (video_id,)
    video = _own(histories[video_id], organization_id)
    if video.tracking_status == "excluded":
        raise NotFoundError("video")
    check_version(len(histories[video_id]), expected_versions)
    guards = yield from _owner_not_erased(video)
    decided = decide(video, command)
    return Decision(video_id, events=on(video_id, decided), guards=guards)


def exclude_video(
    video_id: UUID,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Exclude a video; do nothing if it is excluded already."""
    histories = yield (video_id,)
    video = _own(histories[video_id], organization_id)
    check_version(len(histories[video_id]), expected_versions)
    guards = yield from _owner_not_erased(video)
    decided = decide(video, c.ExcludeVideo())
    return Decision(video_id, events=on(video_id, decided), guards=guards)


def review_videos(
    decisions: Sequence[tuple[UUID, ReviewDecision]],
    *,
    organization_id: UUID,
    project_id: UUID,
) -> Handler[ItemResults]:
    """Include, exclude or put back many videos of one project.

    Decisions about one video are applied in the given order. An excluded video can be
    included again. A video that is put back waits for review as if nobody had decided.
    """
    return _change_videos(
        [(video_id, _REVIEW[decision]) for video_id, decision in decisions],
        organization_id=organization_id,
        project_id=project_id,
    )


def disable_videos(
    video_ids: Iterable[UUID], *, organization_id: UUID, project_id: UUID
) -> Handler[ItemResults]:
    """Stop counting many videos of one project."""
    return _change_videos(
        [(video_id, c.DisableTracking()) for video_id in video_ids],
        organization_id=organization_id,
        project_id=project_id,
    )


def discover_videos(
    creator_id: UUID,
    listed: Sequence[ListedVideo],
    *,
    organization_id: UUID,
    project_id: UUID,
    singles: Collection[SingleVideo] = (),
) -> Handler[None]:
    """Add each listed video to the project as a video of this creator.

    Videos that the creator has already stay as they are, and a removed creator gets no
    videos. If the creator has moved to another project, a single video there that turns
    out to be the creator's is merged; ``singles`` are such videos, as far as they have
    notes or were observed.
    Creator and organization are guarded, so that the status of a video always follows
    from the tracking window at the video's own position of the log.
    """
    videos = {video_stream(project_id, each.pseudonym): each for each in listed}
    histories = yield (organization_id, creator_id, *videos)
    creator = _tracked_creator(histories, creator_id)
    window = _window(histories, organization_id, creator)
    if creator is None or window is None:
        return Decision(None)
    events: list[StreamEvent] = []
    fresh: dict[UUID, VideoState] = {}
    for video_id, each in videos.items():
        known = video_of(histories[video_id])
        if known is not None and known.creator_id is not None:
            # The video belongs to another creator by now, and the list does not change
            # that.
            continue
        tiktok_video_id = each.tiktok_video_id or (known and known.tiktok_video_id)
        if tiktok_video_id is None:
            # An earlier list has this video; the append of that list adds it.
            continue
        command = copied(
            each,
            c.DiscoverVideo,
            organization_id=organization_id,
            project_id=project_id,
            creator_id=creator_id,
            tiktok_video_id=tiktok_video_id,
            handle=creator.handle,
            tracking_status=window.status_of(each.posted_at),
        )
        decided = decide(known, command)
        events += on(video_id, decided)
        if decided:
            fresh[video_id] = video_after(known, decided)
    guards = [creator_id, organization_id]
    if creator.project_id != project_id:
        known_singles = {each.video_id: each for each in singles}
        same = [
            known_singles.get(single, SingleVideo(single, video_id))
            for video_id, video in fresh.items()
            for single in [video_stream(creator.project_id, video.pseudonym)]
        ]
        merging = yield from merge_videos(same, fresh, creator_id)
        events += merging.events
        guards += merging.guards
    return Decision(None, events=events, guards=guards)


def move_window(
    creator_id: UUID,
    outside: Mapping[UUID, datetime | None],
    *,
    organization_id: UUID,
) -> Handler[None]:
    """Start to track the videos that the creator's tracking window covers now.

    ``outside`` has the streams of videos outside of the former window, with the time of
    their posting. A smaller window does not stop the tracking of any video.
    """
    histories = yield (organization_id, creator_id)
    window = _window(
        histories, organization_id, _tracked_creator(histories, creator_id)
    )
    if window is None:
        return Decision(None)
    statuses: dict[UUID, e.TrackingStatus] = {
        video_id: status
        for video_id, posted_at in outside.items()
        if (status := window.status_of(posted_at)) != "out_of_window"
    }
    videos = yield statuses.keys()
    events = [
        event
        for video_id, status in statuses.items()
        for event in on(
            video_id,
            decide(video_of(videos[video_id]), c.MoveWindow(tracking_status=status)),
        )
    ]
    return Decision(None, events=events, guards=[creator_id, organization_id])


def report_missing(
    missing: Mapping[UUID, datetime], *, scrape_id: UUID
) -> Handler[None]:
    """Record that a run found these videos gone, by stream, with the time of the read.

    Nothing changes for a video that the project does not have, or whose absence is
    recorded already.
    """
    histories = yield missing.keys()
    events = [
        event
        for video_id, since in missing.items()
        if (video := video_of(histories[video_id])) is not None
        for event in on(
            video_id,
            decide(video, c.ReportMissing(missing_since=since, scrape_id=scrape_id)),
        )
    ]
    return Decision(None, events=events)


def report_take_offs(reports: Mapping[UUID, c.ReportTakeOff]) -> Handler[None]:
    """Record that these videos took off, each once.

    Nothing changes for a video that does not count, and for videos of creators that
    are not tracked or were erased.
    """
    histories = yield reports.keys()
    videos = {
        video_id: video
        for video_id in reports
        if (video := video_of(histories[video_id])) is not None
    }
    owners = {video.creator_id for video in videos.values() if video.creator_id}
    histories = yield owners
    tracked = {
        creator_id
        for creator_id in owners
        if (creator := creator_of(histories[creator_id])) is not None
        and creator.status == "active"
    }
    events = [
        event
        for video_id, video in videos.items()
        if video.creator_id in tracked
        for event in on(video_id, decide(video, reports[video_id]))
    ]
    return Decision(None, events=events, guards=sorted(owners))


def _change_videos(
    commands: Sequence[tuple[UUID, _BulkCommand]],
    *,
    organization_id: UUID,
    project_id: UUID,
) -> Handler[ItemResults]:
    histories = yield (organization_id, *(video_id for video_id, _ in commands))
    project_owner(histories[organization_id], project_id)
    videos = {video_id: video_of(histories[video_id]) for video_id, _ in commands}
    creators = yield {
        video.creator_id for video in videos.values() if video and video.creator_id
    }
    events: dict[UUID, list[e.VideoEvent]] = {}
    results: list[ItemResult] = []
    for video_id, command in commands:
        video = videos[video_id]
        if (
            video is None
            or video.merged_into is not None
            or not _is_there(video, project_id, command, creators)
        ):
            results.append(ItemResult(video_id, "failed", "not_found"))
            continue
        if _is_erased(video, creators):
            results.append(ItemResult(video_id, "failed", "gone"))
            continue
        decided = decide(video, command)
        if not decided:
            reason = _NOTHING_TO_DO[type(command)]
            results.append(ItemResult(video_id, "skipped", reason))
            continue
        videos[video_id] = video_after(video, decided)
        events.setdefault(video_id, []).extend(decided)
        results.append(ItemResult(video_id, "ok"))
    return Decision(
        tuple(results),
        events=[each for video_id, own in events.items() for each in on(video_id, own)],
        guards=sorted(creators),
    )


def _of_who_moved_here(
    video_ids: Collection[UUID], tiktok_video_id: str, project_id: UUID
) -> Generator[Collection[UUID], Histories, UUID | None]:
    """Return the stream of the video if its creator moved into the project."""
    histories = yield video_ids
    videos = {
        each: video
        for each in video_ids
        if (video := video_of(histories[each])) is not None
        and video.tiktok_video_id == tiktok_video_id
        and video.creator_id is not None
    }
    creators = yield {video.creator_id for video in videos.values() if video.creator_id}
    there = (
        each
        for each, video in videos.items()
        if project_with(video, creators) == project_id
    )
    return next(there, None)


def _is_erased(video: VideoState, creators: Histories) -> bool:
    creator = creator_of(creators[video.creator_id]) if video.creator_id else None
    return creator is not None and creator.status == "erased"


def _owner_not_erased(
    video: VideoState,
) -> Generator[Collection[UUID], Histories, list[UUID]]:
    """Return the video's creator as a guard.

    Raises:
        CreatorErasedError: the creator was erased.
    """
    if video.creator_id is None:
        return []
    histories = yield (video.creator_id,)
    check_not_erased(creator_of(histories[video.creator_id]))
    return [video.creator_id]


def project_with(video: VideoState, creators: Histories) -> UUID:
    """Return the project of a video: that of its creator, if it has one."""
    creator = creator_of(creators[video.creator_id]) if video.creator_id else None
    return video.project_id if creator is None else creator.project_id


def _is_there(
    video: VideoState, project_id: UUID, command: _BulkCommand, creators: Histories
) -> bool:
    """Tell whether the project has the video; only a review finds an excluded one."""
    is_hidden = video.tracking_status == "excluded"
    return project_with(video, creators) == project_id and not (
        is_hidden and isinstance(command, c.DisableTracking)
    )


def _own(history: History, organization_id: UUID) -> VideoState:
    video = video_of(history)
    if video is None or video.organization_id != organization_id:
        raise NotFoundError("video")
    if video.merged_into is not None:
        raise VideoMergedError(video.merged_into)
    return video


def _tracked_creator(histories: Histories, creator_id: UUID) -> CreatorState | None:
    creator = creator_of(histories[creator_id])
    return None if creator is None or creator.is_gone else creator


def _window(
    histories: Histories, organization_id: UUID, creator: CreatorState | None
) -> Window | None:
    """Return the creator's tracking window; None if the creator is not tracked."""
    organization = organization_of(histories[organization_id])
    if creator is None or organization is None:
        return None
    return Window(
        tracking_mode=creator.tracking_mode,
        tracking_start_date=creator.tracking_start_date,
        tracking_end_date=creator.tracking_end_date,
        time_zone=organization.time_zone,
    )
