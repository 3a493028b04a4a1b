"""Kinds of events in the words of people, to choose in a change log."""

from typing import Final

from msgspec import Struct

from api.http.query import invalid_query
from projections.creator_history.projection import OWN_EVENTS, RUN_EVENTS, VIDEO_EVENTS
from projections.creator_history.queries import MILESTONE

OWN: Final = ",".join(sorted(OWN_EVENTS))


class EventKind(Struct, frozen=True):
    """A choice: what addresses call it, what people do, and which events it has."""

    name: str
    label: str
    events: frozenset[str]


class EventKindGroup(Struct, frozen=True):
    """Choices that belong together."""

    label: str
    kinds: tuple[EventKind, ...]


_EVENTS = {
    "creator_added": "Added",
    "handle_changed": "Renamed",
    "creator_details_changed": "Details changed",
    "tracking_mode_changed": "Tracking mode changed",
    "tracking_window_changed": "Tracking window changed",
    "creator_removed": "Removed",
    "creator_reactivated": "Brought back",
    "creator_auto_disabled": "Disabled by itself",
    "creator_reenabled": "Re-enabled",
    "scrape_requested": "Scrape asked for",
    "profile_snapshot_recorded": "Profile seen",
    "video_stats_snapshot_recorded": "Figures of videos seen",
    "scrape_succeeded": "Scrape succeeded",
    "scrape_failed": "Scrape failed",
    "video_discovered": "Video discovered",
    "video_added": "Video added",
    "video_came_into_window": "Video came into the window",
    "video_included": "Video included",
    "video_excluded": "Video excluded",
    "video_put_back": "Video put back",
    "video_tracking_disabled": "Tracking of a video disabled",
    "video_details_changed": "Details of a video changed",
    "video_went_missing": "Video went missing",
    MILESTONE: "Milestone of followers passed",
}


def _group(label: str, whole: EventKind, *, singly: bool = True) -> EventKindGroup:
    single = (
        EventKind(name, text, frozenset({name}))
        for name, text in _EVENTS.items()
        if singly and name in whole.events
    )
    return EventKindGroup(label, (whole, *single))


GROUPS: Final = (
    _group("Creator", EventKind("creator", "All about the creator", OWN_EVENTS)),
    _group("Scrapes", EventKind("scrapes", "All about scrapes", RUN_EVENTS)),
    _group("Videos", EventKind("videos", "All about videos", VIDEO_EVENTS)),
    _group(
        "Milestones",
        EventKind("milestones", _EVENTS[MILESTONE], frozenset({MILESTONE})),
        singly=False,
    ),
)
_KINDS: Final = {kind.name: kind for group in GROUPS for kind in group.kinds}


def events_of(kind: str | None) -> str | None:
    """Return which events the API is asked for; None asks for all.

    Raises:
        ApiError: ``invalid_query``, if nothing is called that.
    """
    if kind is None:
        return None
    if kind not in _KINDS:
        raise invalid_query("kind", f"must be one of {', '.join(_KINDS)}")
    return ",".join(sorted(_KINDS[kind].events))
