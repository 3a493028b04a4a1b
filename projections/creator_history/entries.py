"""Entries of change logs: an event with its actor and its sentence."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.messages import copied
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import stored_name
from projections.engine.reader import Reader
from projections.people import ACTOR_NAMES, actor_ids

_PROJECTS = ("project_id", "old_project_id", "new_project_id")
_NAMED = ("campaign_id", "item_id", "duplicate_of")

HistorySubject = Literal["creator", "scrape", "video", "campaign"]


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a change log.

    ``stream`` is the id of the creator, run, video or campaign (``about``) that the
    event is about, and ``version`` is the event's version in that stream. ``at`` is the
    time of the event; for an observation, the time of the observation. ``recorded_at``
    is the time of recording. The two differ much for imported observations.
    ``position`` is the place in the log, by which lists are sorted. ``actor`` is the
    stored name of the person or process behind the event, and ``actor_name`` the same
    in words. ``correlation_id`` is the same for all events of one request or run, and
    ``causation_id`` for all events of one command. ``data`` has the set fields of the
    event; for the arrays of a snapshot of videos it has their lengths. A
    ``follower_milestone_passed`` is not a stored event (``is_derived``): it follows
    from all observations, and has the position of the observation that shows it. Its
    ``data`` says whether that observation is rounded, or made a rounded number exact.
    """

    position: int
    version: int
    event: str
    about: HistorySubject
    stream: UUID
    at: datetime
    recorded_at: datetime
    actor: str
    actor_name: str
    summary: str
    data: dict[str, Any]
    is_derived: bool
    correlation_id: UUID | None
    causation_id: UUID | None


async def actor_names(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> dict[UUID, str]:
    """Return the names of the API keys and people that caused the events, by id."""
    ids = actor_ids(events)
    if not ids:
        return {}
    params = {"organization": organization_id, "ids": ids}
    return dict(await reader.rows(organization_id, ACTOR_NAMES, params))


def entry_of_event(
    recorded: RecordedEvent, *, about: HistorySubject, actor_name: str, summary: str
) -> HistoryEntry:
    observed_at: datetime | None = getattr(recorded.event, "observed_at", None)
    return copied(
        recorded,
        HistoryEntry,
        event=stored_name(recorded.event),
        about=about,
        at=recorded.recorded_at if observed_at is None else observed_at,
        actor_name=actor_name,
        summary=summary,
        data=fields_of(recorded.event),
        is_derived=False,
    )


def without_others(
    entry: HistoryEntry,
    project_ids: frozenset[UUID] | None,
    known: Collection[UUID],
) -> HistoryEntry:
    """Return the entry for a reader who may see these projects alone; None is all.

    It has no ids of other projects, and none of campaigns, items and other creators but
    the ``known`` ones.
    """
    if project_ids is None:
        return entry
    hidden = {
        *(n for n in _PROJECTS if entry.data.get(n, n) not in {n, *project_ids}),
        *(n for n in _NAMED if entry.data.get(n, n) not in {n, *known}),
    }
    if not hidden:
        return entry
    shown = {name: each for name, each in entry.data.items() if name not in hidden}
    summary = entry.summary
    if "old_project_id" in hidden:
        # The time until which numbers stay is no news in a project without them.
        shown.pop("history", None)
        summary = f"Moved from another project by {entry.actor_name}."
    return replace(entry, data=shown, summary=summary)


def fields_of(event: e.Event) -> dict[str, Any]:
    """Return the set fields of an event, as clients read them."""
    data: dict[str, Any] = msgspec.to_builtins(
        event, builtin_types=(datetime, UUID), str_keys=True
    )
    # The client knows its organization.
    data.pop("organization_id", None)
    if isinstance(event, e.VideoStatsSnapshotRecorded):
        kept = ("observed_at", "provider")
        return {
            **{name: data[name] for name in kept},
            "video_count": len(event.video_ids),
        }
    return data
