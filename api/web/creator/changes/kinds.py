"""The kinds of events that a change log can be filtered by, with their labels."""

from typing import Final

from msgspec import Struct

from api.http.query import invalid_query
from domain.events import STORED_NAMES
from projections.creator_history.projection import (
    MEMBERSHIP_EVENTS,
    OWN_EVENTS,
    RUN_EVENTS,
    VIDEO_EVENTS,
)
from projections.creator_history.queries import MILESTONE

OWN: Final = ",".join(sorted(OWN_EVENTS))
EVERYTHING: Final = "everything"


class EventKind(Struct, frozen=True):
    """A choice: its name in addresses, its label, and its events."""

    name: str
    label: str
    events: frozenset[str]


class EventKindGroup(Struct, frozen=True):
    """A group of choices."""

    label: str
    kinds: tuple[EventKind, ...]


# Labels of events whose stored name is a bad label.
_LABELS = {
    "handle_changed": "Renamed",
    "creator_reactivated": "Brought back",
    "creator_auto_disabled": "Auto-disabled",
    "creator_reenabled": "Re-enabled",
    "subject_erased": "Erased",
    "scrape_requested": "Scrape requested",
    "profile_snapshot_recorded": "Profile seen",
    "video_stats_snapshot_recorded": "Figures of videos seen",
    "video_came_into_window": "Video came into the window",
    "video_discovered": "Video found",
    "video_included": "Video included",
    "video_excluded": "Video removed",
    "video_merged": "Single video merged",
    "video_tracking_disabled": "Video excluded",
    "video_details_changed": "Details of a video changed",
    "campaign_joined": "Put into a campaign",
    "campaign_left": "Taken out of a campaign",
}


def _label(name: str) -> str:
    """Return the label of an event: pinned for ``creator_pinned``."""
    return (
        _LABELS.get(name)
        or name.removeprefix("creator_").replace("_", " ").capitalize()
    )


def _group(label: str, whole: EventKind, *, singly: bool = True) -> EventKindGroup:
    single = (
        EventKind(name, _label(name), frozenset({name}))
        for name in STORED_NAMES
        if singly and name in whole.events
    )
    return EventKindGroup(label, (whole, *single))


GROUPS: Final = (
    _group("Creator", EventKind("creator", "All about the creator", OWN_EVENTS)),
    _group("Scrapes", EventKind("scrapes", "All about scrapes", RUN_EVENTS)),
    _group("Videos", EventKind("videos", "All about videos", VIDEO_EVENTS)),
    _group(
        "Campaigns", EventKind("campaigns", "All about campaigns", MEMBERSHIP_EVENTS)
    ),
    _group(
        "Milestones",
        EventKind(
            "milestones", "Milestone of followers passed", frozenset({MILESTONE})
        ),
        singly=False,
    ),
)
_KINDS: Final = {kind.name: kind for group in GROUPS for kind in group.kinds}
# Scrapes are left out, because they would hide the changes among them.
_CHANGES: Final = OWN_EVENTS | VIDEO_EVENTS | MEMBERSHIP_EVENTS | {MILESTONE}


def events_of(kind: str | None) -> str | None:
    """Return the events of a kind for the API; without a kind all but scrapes.

    None means all events.

    Raises:
        ApiError: ``invalid_query``, if there is no such kind.
    """
    if kind is None:
        return ",".join(sorted(_CHANGES))
    if kind == EVERYTHING:
        return None
    if kind not in _KINDS:
        raise invalid_query("kind", f"must be one of {', '.join(_KINDS)}")
    return ",".join(sorted(_KINDS[kind].events))
