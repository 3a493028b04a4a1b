"""Events about an erased creator, as they are read: without a text of the person."""

from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e

_NOTES = ("description", "readme", "metadata", "tags")
# The personal fields of the events in a creator's history.
PERSONAL: Final[dict[type[e.Event], tuple[str, ...]]] = {
    e.CreatorAdded: ("handle", *_NOTES),
    e.HandleChanged: ("old", "new"),
    e.CreatorDetailsChanged: ("display_name", *_NOTES),
    e.ScrapeRequested: ("handle", "tiktok_video_ids"),
    e.ProfileSnapshotRecorded: ("user_id", "sec_uid", "display_name", "avatar_url"),
    e.VideoStatsSnapshotRecorded: ("titles", "thumbnail_urls"),
    e.ScrapeSucceeded: ("missing_video_ids", "payload_sha256"),
    e.ScrapeFailed: ("error",),
    e.VideoDiscovered: ("tiktok_video_id", "handle", "title"),
    e.VideoAdded: ("tiktok_video_id", "handle", "tags"),
    e.VideoDetailsChanged: _NOTES,
}
_HANDLES = frozenset({"handle", "old", "new"})
_EMPTY: dict[str, object] = {"tuple": (), "list": [], "dict": {}}
_STATED = frozenset({"tiktok_video_id", "error"})


def without_person(event: e.Event, *, handle: str) -> e.Event:
    """Return the event without what is personal in it; ``handle`` stands for any."""
    return replace(
        event,
        **{
            name: _emptied(name, value, handle)
            for name in PERSONAL.get(type(event), ())
            if (value := getattr(event, name)) is not UNSET
        },
    )


def _emptied(name: str, value: Any, handle: str) -> object:  # noqa: ANN401
    if name in _HANDLES:
        return handle
    if name in _STATED:
        return "erased"
    return _EMPTY.get(str(type(value).__name__))
