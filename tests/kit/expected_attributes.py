"""The rows of video_attributes by a plain fold."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent

Rows = dict[UUID, dict[str, Any]]

_BY_THEMSELVES = (
    *("duration_s", "hashtags", "mentions", "is_ad", "is_pinned"),
    *("is_private", "language"),
)


def video_attributes(events: Iterable[RecordedEvent]) -> Rows:
    """In the order of the log: newer values win, and older ones fill unknown fields."""
    rows: Rows = {}
    for recorded in events:
        event = recorded.event
        if not isinstance(event, e.VideoStatsSnapshotRecorded) or not event.project_id:
            continue
        for name, attributes in event.attributes.items():
            video_id = video_stream(event.project_id, name)
            row = rows.setdefault(
                video_id,
                {
                    "organization_id": event.organization_id,
                    "id": video_id,
                    "sound": None,
                    "creator_id": None,
                    "observed_at": event.observed_at,
                    **dict.fromkeys(_BY_THEMSELVES),
                },
            )
            is_newer = event.observed_at >= row["observed_at"]
            stated = {each: getattr(attributes, each) for each in _BY_THEMSELVES}
            stated |= {"sound": attributes.sound, "creator_id": event.creator_id}
            for column, value in stated.items():
                if value is not None and (is_newer or row[column] is None):
                    row[column] = value
            if is_newer:
                row |= {"observed_at": event.observed_at, "position": recorded.position}
    return {video_id: _shown(row) for video_id, row in rows.items()}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    sound, hashtags, mentions = row.pop("sound"), row["hashtags"], row["mentions"]
    keys = None if hashtags is None else sorted({each.casefold() for each in hashtags})
    return {
        **row,
        "hashtags": None if hashtags is None else [*hashtags],
        "hashtag_keys": keys,
        "mentions": None if mentions is None else [*mentions],
        **{
            f"sound_{name}": getattr(sound, name, None)
            for name in ("id", "title", "author", "original")
        },
    }
