"""Queries of a creator's history: entries with a summary, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from domain import events as e
from domain.analytics.milestones import FollowerObservation, Milestone, passed
from domain.analytics.precision import is_rounded
from domain.summaries import (
    actor_label,
    key_id_of,
    milestone_summary,
    summary,
)
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent, open_envelope
from projections.analytics.queries.sharpenings import sharpened_among
from projections.creator_history.projection import OWN_EVENTS, RUN_EVENTS, VIDEO_EVENTS
from projections.engine.handlers import stored_name
from projections.engine.reader import Reader

MILESTONE: Final = "follower_milestone_passed"
EVENTS = frozenset({*OWN_EVENTS, *RUN_EVENTS, *VIDEO_EVENTS, MILESTONE})
END: Final = 2**63 - 1

HistoryPlace = tuple[int, int]
"""The sort key of entries: the position, and a milestone's number or 0."""


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a creator's change log.

    ``stream`` is the id of the creator, run or video (``about``) that the event belongs
    to, and ``version`` is the event's version in that stream. ``at`` is when the event
    happened; for an observation, the time of the observation. ``recorded_at`` is when
    it was recorded. The two differ much for imported observations. ``position`` is the
    place in the log, by which lists are sorted. ``actor`` is who did it, as stored, and
    ``actor_name`` is the same in words. ``correlation_id`` is the same for all events
    of one request or run, and ``causation_id`` for all events of one command. ``data``
    has the fields of the event that are set; the arrays of a snapshot of videos are
    counted. A ``follower_milestone_passed`` is not a stored event (``is_derived``): it
    follows from all observations, and has the position of the observation that shows
    it. Its ``data`` says whether that one is rounded, or made a rounded number exact.
    """

    position: int
    version: int
    event: str
    about: Literal["creator", "scrape", "video"]
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


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The entries to return: positions inclusive, events by name (None: all).

    ``after`` is the last entry of the page before.
    """

    organization_id: UUID
    creator_id: UUID
    first: int = 0
    last: int = END
    events: frozenset[str] | None = None
    after: HistoryPlace | None = None
    limit: int = 50

    def includes(self, place: HistoryPlace, event: str) -> bool:
        """Whether an entry matches, without regard to the limit."""
        return (
            self.first <= place[0] <= self.last
            and (self.after is None or place < self.after)
            and (self.events is None or event in self.events)
        )


_CODEC = Codec()
_MILESTONES = b"""
SELECT mark, observed_at, position, followers FROM creator_milestones
WHERE organization_id = %(organization)s AND creator_id = %(creator)s
"""
_EVENTS = b"""
WITH page AS MATERIALIZED (
    SELECT position FROM creator_history
    WHERE organization_id = %(organization)s AND creator_id = %(creator)s
    AND position BETWEEN %(first)s AND %(last)s
    AND (%(events)s::text[] IS NULL OR event = ANY(%(events)s::text[]))
    ORDER BY position DESC LIMIT %(limit)s
)
SELECT * FROM goatherd_creator_events(
    %(creator)s, ARRAY(SELECT position FROM page) || %(also)s::bigint[])
"""
_KEYS = b"""
SELECT id, name FROM api_keys
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""
_VIDEOS = b"""
SELECT id, tiktok_video_id FROM creator_history_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""


async def page_of_history(
    reader: Reader, query: HistoryQuery
) -> list[tuple[HistoryPlace, HistoryEntry]]:
    """Return up to ``limit`` entries of a creator and their sort keys, newest first."""
    milestones = [
        milestone
        for milestone in await milestones_of(
            reader, query.organization_id, query.creator_id
        )
        if query.includes((milestone.observation.position, milestone.number), MILESTONE)
    ]
    events = await events_of(
        reader, query, also=[each.observation.position for each in milestones]
    )
    by_position = {recorded.position: recorded for recorded in events}
    places = [
        *(
            ((recorded.position, 0), None)
            for recorded in events
            if query.includes((recorded.position, 0), stored_name(recorded.event))
        ),
        *(((each.observation.position, each.number), each) for each in milestones),
    ]
    places.sort(key=lambda each: each[0], reverse=True)
    page = places[: query.limit]
    formatter = await _entry_formatter(
        reader, query.organization_id, [by_position[place[0]] for place, _ in page]
    )
    sharpened = await sharpened_among(
        reader,
        query.organization_id,
        query.creator_id,
        [each.observation.observed_at for _, each in page if each is not None],
    )
    return [
        (
            place,
            formatter.event(by_position[place[0]])
            if milestone is None
            else formatter.milestone(
                milestone,
                by_position[place[0]],
                is_sharpened=milestone.observation.observed_at in sharpened,
            ),
        )
        for place, milestone in page
    ]


async def milestones_of(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> list[Milestone]:
    """Return the follower milestones that the creator was observed to reach."""
    params = {"organization": organization_id, "creator": creator_id}
    rows = await reader.rows(organization_id, _MILESTONES, params)
    return passed({mark: FollowerObservation(*observed) for mark, *observed in rows})


async def events_of(
    reader: Reader, query: HistoryQuery, *, also: Sequence[int] = ()
) -> list[RecordedEvent]:
    """Return events about a creator, newest first.

    They are the first ``limit`` that match, and those at the positions ``also``.
    """
    last = query.last
    if query.after is not None:
        # An event at the position of a milestone comes after the milestone in the list.
        position, number = query.after
        last = min(last, position if number else position - 1)
    rows = await reader.rows(
        query.organization_id,
        _EVENTS,
        {
            "organization": query.organization_id,
            "creator": query.creator_id,
            "first": query.first,
            "last": last,
            "events": None if query.events is None else sorted(query.events),
            "limit": query.limit,
            "also": list(also),
        },
    )
    return [open_envelope(row, _CODEC) for row in rows]


class _EntryFormatter(msgspec.Struct, frozen=True):
    """Turns events into entries, with the names of API keys and the ids of videos."""

    keys: dict[UUID, str]
    videos: dict[UUID, str]

    def event(self, recorded: RecordedEvent) -> HistoryEntry:
        event: Any = recorded.event
        by = actor_label(recorded.actor, self.keys)
        return self._entry(
            recorded,
            event=stored_name(event),
            summary=summary(event, by=by, video=self.videos.get(recorded.stream)),
            data=_data(event),
        )

    def milestone(
        self, milestone: Milestone, recorded: RecordedEvent, *, is_sharpened: bool
    ) -> HistoryEntry:
        followers = milestone.observation.followers
        rounded = is_rounded(getattr(recorded.event, "precision", None), followers)
        sharpened = is_sharpened and not rounded
        return self._entry(
            recorded,
            event=MILESTONE,
            summary=milestone_summary(
                milestone, is_rounded=rounded, is_sharpened=sharpened
            ),
            data={
                "milestone": milestone.number,
                "follower_count": followers,
                "observed_at": milestone.observation.observed_at,
                "rounded": rounded,
                "sharpened": sharpened,
            },
        )

    def _entry(
        self, recorded: RecordedEvent, *, event: str, summary: str, data: dict[str, Any]
    ) -> HistoryEntry:
        observed_at: datetime | None = getattr(recorded.event, "observed_at", None)
        return HistoryEntry(
            position=recorded.position,
            version=recorded.version,
            event=event,
            about=_about(recorded.event),
            stream=recorded.stream,
            at=recorded.recorded_at if observed_at is None else observed_at,
            recorded_at=recorded.recorded_at,
            actor=recorded.actor,
            actor_name=actor_label(recorded.actor, self.keys),
            summary=summary,
            data=data,
            is_derived=event == MILESTONE,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.causation_id,
        )


async def _entry_formatter(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> _EntryFormatter:
    keys = {key for r in events if (key := key_id_of(r.actor)) is not None}
    videos = {r.stream for r in events if isinstance(r.event, e.VideoEvent)}

    async def named(query: bytes, ids: list[UUID]) -> dict[UUID, str]:
        if not ids:
            return {}
        params = {"organization": organization_id, "ids": ids}
        return dict(await reader.rows(organization_id, query, params))

    return _EntryFormatter(
        keys=await named(_KEYS, sorted(keys)),
        videos=await named(_VIDEOS, sorted(videos)),
    )


def _about(event: e.Event) -> Literal["creator", "scrape", "video"]:
    if isinstance(event, e.VideoEvent):
        return "video"
    return "scrape" if isinstance(event, e.ScrapeEvent) else "creator"


def _data(event: e.Event) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(
        event, builtin_types=(datetime, UUID), str_keys=True
    )
    # The client requested data of this organization.
    data.pop("organization_id", None)
    if isinstance(event, e.VideoStatsSnapshotRecorded):
        kept = ("observed_at", "provider")
        return {
            **{name: data[name] for name in kept},
            "video_count": len(event.video_ids),
        }
    return data
