"""The layouts of exports: the fields of a line and of a row."""

from collections.abc import Sequence
from datetime import UTC, date

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from api.cli.export.formats import Cell, Kind, Layout
from domain.scrape.observations import VideoObservation
from domain.video.attributes import ATTRIBUTES, Sound
from projections.event_log import LoggedEvent
from workers.sources.recordings.export_recording import ExportedObservation
from workers.sources.recordings.file_format import encode_observations

_encode_lines = msgspec.json.Encoder().encode_lines

_OBSERVATION_COLUMNS: dict[str, Kind] = {
    "observed_at": "time",
    "handle": "text",
    "present_handle": "text",
    "observation": "text",
    "outcome": "text",
    "user_id": "text",
    "sec_uid": "text",
    "display_name": "text",
    "avatar_url": "text",
    "follower_count": "integer",
    "following_count": "integer",
    "total_likes_count": "integer",
    "video_count": "integer",
    "precision": "text",
    "in_log_order": "flag",
    "tiktok_video_id": "text",
    "title": "text",
    "kind": "text",
    "posted_at": "time",
    "thumbnail_url": "text",
    "view_count": "integer",
    "like_count": "integer",
    "comment_count": "integer",
    "share_count": "integer",
    "save_count": "integer",
    "duration_s": "integer",
    "sound_id": "text",
    "sound_title": "text",
    "sound_author": "text",
    "sound_original": "flag",
    "hashtags": "texts",
    "mentions": "texts",
    "is_ad": "flag",
    "is_pinned": "flag",
    "is_private": "flag",
    "language": "text",
    "provider": "text",
    "project_id": "text",
    "creator_id": "text",
    "scrape_id": "text",
    "position": "integer",
    "recorded_at": "time",
}
_EVENT_COLUMNS: dict[str, Kind] = {
    "position": "integer",
    "stream": "text",
    "version": "integer",
    "name": "text",
    "actor": "text",
    "recorded_at": "time",
    "correlation_id": "text",
    "causation_id": "text",
    "payload": "text",
}
_NO_PROFILE: tuple[Cell, ...] = (None,) * 10
_NO_VIDEO: tuple[Cell, ...] = (None,) * 21
_NO_SOUND: tuple[Cell, ...] = (None,) * 4


def _observation_lines(exported: Sequence[ExportedObservation]) -> bytes:
    kept = [each.observation for each in exported if not each.is_erased]
    return encode_observations(kept)


def _observation_row(exported: ExportedObservation) -> tuple[Cell, ...]:
    observation = exported.observation
    profile = observation.profile
    video = observation.video
    return (
        observation.observed_at,
        observation.handle,
        observation.present_handle,
        "video" if video else "profile" if profile else "outcome",
        observation.outcome,
        *(
            _NO_PROFILE
            if profile is None
            else (
                profile.user_id,
                profile.sec_uid,
                profile.display_name,
                profile.avatar_url,
                profile.follower_count,
                profile.following_count,
                profile.total_likes_count,
                profile.video_count,
                profile.precision,
                observation.in_log_order,
            )
        ),
        *(
            _NO_VIDEO
            if video is None
            else (
                video.tiktok_video_id,
                video.title,
                video.kind,
                video.posted_at,
                video.thumbnail_url or None,
                video.view_count,
                video.like_count,
                video.comment_count,
                video.share_count,
                video.save_count,
                *_attributes(video),
            )
        ),
        exported.provider,
        exported.project_id,
        exported.creator_id,
        exported.scrape_id,
        exported.position,
        exported.recorded_at,
    )


def _attributes(video: VideoObservation) -> tuple[Cell, ...]:
    stated = {
        name: None if (value := getattr(video, name)) is UNSET else value
        for name in ATTRIBUTES
    }
    sound: Sound | None = stated["sound"]
    return (
        stated["duration_s"],
        *(_NO_SOUND if sound is None else astuple(sound)),
        *(stated["hashtags"], stated["mentions"], stated["is_ad"]),
        *(stated["is_pinned"], stated["is_private"], stated["language"]),
    )


def _event_row(event: LoggedEvent) -> tuple[Cell, ...]:
    return (
        event.position,
        event.stream,
        event.version,
        event.name,
        event.actor,
        event.recorded_at,
        event.correlation_id,
        event.causation_id,
        event.payload,
    )


def _recorded_on(record: ExportedObservation | LoggedEvent) -> date:
    return record.recorded_at.astimezone(UTC).date()


OBSERVATIONS: Layout[ExportedObservation] = Layout(
    columns=_OBSERVATION_COLUMNS,
    lines=_observation_lines,
    row=_observation_row,
    day=_recorded_on,
)
EVENTS: Layout[LoggedEvent] = Layout(
    columns=_EVENT_COLUMNS, lines=_encode_lines, row=_event_row, day=_recorded_on
)
