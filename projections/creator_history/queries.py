"""Queries of a creator's history: entries with a summary, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.analytics.milestones import FollowerObservation, Milestone, passed
from domain.analytics.precision import is_rounded
from domain.phrases import counted
from domain.streams import video_stream
from domain.summaries import actor_label, milestone_summary, summary
from infra.eventstore.store import RecordedEvent
from projections.analytics.read.rollups import sharpened_among
from projections.creator_history.entries import (
    HistoryEntry,
    actor_names,
    entry_of_event,
    without_others,
)
from projections.creator_history.missing_videos import tiktok_ids, with_tiktok_ids
from projections.creator_history.projection import CreatorHistory
from projections.creator_history.unreadable import of_nobody
from projections.engine.folds import stored_name
from projections.engine.log_end import END
from projections.engine.reader import Reader

MILESTONE: Final = "follower_milestone_passed"
EVENTS = CreatorHistory.events | {MILESTONE}

# The first known times of posting; videos of an erased person are left out.
_POSTED = b"""
SELECT v.id, coalesce(v.posted_at, f.posted_at) FROM videos v
LEFT JOIN video_figures f ON f.organization_id = v.organization_id AND f.id = v.id
WHERE v.organization_id = %(organization)s AND v.id = ANY(%(ids)s)
AND coalesce(v.posted_at, f.posted_at) IS NOT NULL AND v.tiktok_video_id <> 'erased'
"""

HistoryPlace = tuple[int, int]
"""The sort key of entries: the position, and a milestone's number or 0."""


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
        """Tell whether an entry matches, apart from the limit."""
        return (
            self.first <= place[0] <= self.last
            and (self.after is None or place < self.after)
            and (self.events is None or event in self.events)
        )


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
_ERASED = b"""
SELECT * FROM goatherd_stream_events(ARRAY[%(creator)s]::uuid[], 0::bigint,
    9223372036854775807::bigint, ARRAY['subject_erased'], 1::integer)
"""
_BEGINS = b"SELECT goatherd_history_begins(%(creator)s)"
_CREATORS = b"""
SELECT id, '@' || tiktok_handle FROM creator_list
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""
_CAMPAIGNS = b"""
SELECT id, 'campaign "' || name || '"' FROM campaigns
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""


async def page_of_history(
    reader: Reader, query: HistoryQuery
) -> list[tuple[HistoryPlace, HistoryEntry]]:
    """Return up to ``limit`` entries of a creator and their sort keys, newest first."""
    begins = await history_begins(reader, query.organization_id, query.creator_id)
    query = replace(query, first=max(query.first, begins))
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


async def history_begins(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> int:
    """Return the position from which on the reader may see a creator's past.

    It is that of its newest move from a project that they may not see, else 0.
    """
    if reader.project_ids is None:
        return 0
    rows = await reader.rows(organization_id, _BEGINS, {"creator": creator_id})
    return rows[0][0]


async def milestones_of(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> list[Milestone]:
    """Return the follower milestones that the creator's observations reached."""
    params = {"organization": organization_id, "creator": creator_id}
    rows = await reader.rows(organization_id, _MILESTONES, params)
    return passed({mark: FollowerObservation(*observed) for mark, *observed in rows})


async def events_of(
    reader: Reader, query: HistoryQuery, *, also: Sequence[int] = ()
) -> list[RecordedEvent]:
    """Return events about a creator, newest first.

    They are the first ``limit`` matches, and the events at the positions ``also``.
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
    events = await reader.opened(rows)
    erasure = await _erasure(reader, query)
    if erasure is None:
        return await with_tiktok_ids(reader, query.organization_id, events)
    return [replace(each, event=of_nobody(each.event, erasure)) for each in events]


async def _erasure(reader: Reader, query: HistoryQuery) -> e.SubjectErased | None:
    """Return the erasure of a creator, at any position; None if there was none."""
    params = {"creator": query.creator_id}
    rows = await reader.rows(query.organization_id, _ERASED, params)
    erased = [each.event for each in await reader.opened(rows)] if rows else []
    return next((one for one in erased if isinstance(one, e.SubjectErased)), None)


class _EntryFormatter(msgspec.Struct, frozen=True):
    """Turns events into entries.

    ``actors``, ``campaigns`` and ``creators`` are names by id, ``videos`` are TikTok's
    ids by ours. ``project_ids`` are those that the reader may see, None for all.
    """

    project_ids: frozenset[UUID] | None
    actors: dict[UUID, str]
    videos: dict[UUID, str]
    campaigns: dict[UUID, str]
    creators: dict[UUID, str]
    posted: dict[UUID, datetime]

    def event(self, recorded: RecordedEvent) -> HistoryEntry:
        event: Any = recorded.event
        by = actor_label(recorded.actor, self.actors)
        item = None
        if isinstance(event, e.MembershipEvent):
            item = self.campaigns.get(event.campaign_id, "a campaign")
        elif isinstance(event, e.CreatorAutoDisabled) and event.duplicate_of:
            item = self.creators.get(event.duplicate_of)
        video = self.videos.get(recorded.stream)
        entry = entry_of_event(
            recorded,
            about=_about(event),
            actor_name=by,
            summary=summary(event, by=by, video=video, item=item),
        )
        entry = without_others(
            entry, self.project_ids, {*self.campaigns, *self.creators}
        )
        others = _other_posting_times(event, self.posted)
        if not others:
            return entry
        which = counted(len(others), "video")
        return replace(
            entry,
            summary=f"{entry.summary}. It says another time of posting of {which}.",
            data={**entry.data, "other_posting_times": others},
        )

    def milestone(
        self, milestone: Milestone, recorded: RecordedEvent, *, is_sharpened: bool
    ) -> HistoryEntry:
        followers = milestone.observation.followers
        rounded = is_rounded(getattr(recorded.event, "precision", None), followers)
        sharpened = is_sharpened and not rounded
        return replace(
            self.event(recorded),
            event=MILESTONE,
            is_derived=True,
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


async def _entry_formatter(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> _EntryFormatter:
    videos = {r.stream for r in events if isinstance(r.event, e.VideoEvent)}
    campaigns = {
        r.event.campaign_id for r in events if isinstance(r.event, e.MembershipEvent)
    }
    firsts = {
        r.event.duplicate_of
        for r in events
        if isinstance(r.event, e.CreatorAutoDisabled) and r.event.duplicate_of
    }

    async def names(query: bytes, ids: set[UUID]) -> dict[UUID, str]:
        params = {"organization": organization_id, "ids": sorted(ids)}
        return dict(await reader.rows(organization_id, query, params)) if ids else {}

    return _EntryFormatter(
        project_ids=reader.project_ids,
        actors=await actor_names(reader, organization_id, events),
        videos=await tiktok_ids(reader, organization_id, list(videos)),
        campaigns=await names(_CAMPAIGNS, campaigns),
        creators=await names(_CREATORS, firsts),
        posted=await _first_known_times(reader, organization_id, events),
    )


def _about(event: e.Event) -> Literal["creator", "scrape", "video", "campaign"]:
    if isinstance(event, e.VideoEvent):
        return "video"
    if isinstance(event, e.MembershipEvent):
        return "campaign"
    return "scrape" if isinstance(event, e.ScrapeEvent) else "creator"


async def _first_known_times(
    reader: Reader, organization_id: UUID, events: Sequence[RecordedEvent]
) -> dict[UUID, datetime]:
    """Return the first known time of posting of each video with one in the events."""
    ids = {id_ for recorded in events for id_ in _posting_times_in(recorded.event)}
    if not ids:
        return {}
    params = {"organization": organization_id, "ids": sorted(ids)}
    return dict(await reader.rows(organization_id, _POSTED, params))


def _other_posting_times(
    event: e.Event, first_known: Mapping[UUID, datetime]
) -> list[dict[str, Any]]:
    """Return the times of posting in a snapshot that differ from the first known."""
    return [
        {"video_id": id_, "posted_at": said, "first_known": first}
        for id_, said in _posting_times_in(event).items()
        if (first := first_known.get(id_, said)) != said
    ]


def _posting_times_in(event: e.Event) -> dict[UUID, datetime]:
    if not isinstance(event, e.VideoStatsSnapshotRecorded) or event.project_id is None:
        return {}
    return {
        video_stream(event.project_id, name): said
        for name, said in zip(event.video_ids, event.posted_at, strict=False)
        if said is not None
    }
