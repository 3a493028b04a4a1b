"""The history of a campaign: its own events, and the campaigns that it joined."""

from collections.abc import Sequence
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from domain import events as e
from domain.streams import membership_stream
from domain.summaries import actor_label, summary
from infra.eventstore.store import RecordedEvent
from projections.creator_history.entries import (
    HistoryEntry,
    actor_names,
    entry_of_event,
    without_others,
)
from projections.engine.folds import stored_names
from projections.engine.log_end import END
from projections.engine.reader import Reader

OWN_EVENTS = stored_names(*get_args(e.CampaignEvent))
CAMPAIGN_EVENTS = OWN_EVENTS | stored_names(*get_args(e.MembershipEvent))

_ALL: Final = 2**31 - 1
_EVENTS = b"""
SELECT * FROM goatherd_stream_events(
    %(streams)s::uuid[], %(first)s::bigint, %(last)s::bigint, %(names)s::text[],
    %(limit)s::integer)
WHERE EXISTS (SELECT FROM campaigns
              WHERE organization_id = %(organization)s AND id = %(campaign)s)
"""
_OWN = b"""
SELECT * FROM goatherd_stream_events(
    ARRAY(SELECT id FROM campaigns
          WHERE organization_id = %(organization)s AND id = ANY(%(campaigns)s)),
    0::bigint, %(last)s::bigint, %(names)s::text[], %(limit)s::integer)
"""
_NAMES = b"""
SELECT id, 'creator @' || tiktok_handle FROM creator_list
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT id, 'video ' || tiktok_video_id FROM videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT id, 'campaign "' || name || '"' FROM campaigns
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""


class CampaignHistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The entries to return: positions inclusive, events by name (None: all)."""

    organization_id: UUID
    campaign_id: UUID
    first: int = 0
    last: int = END
    events: frozenset[str] | None = None
    limit: int = 50


async def events_of_campaigns(
    reader: Reader, organization_id: UUID, campaign_ids: Sequence[UUID], *, last: int
) -> list[RecordedEvent]:
    """Return the own events of campaigns up to a position, newest first."""
    params = {
        "organization": organization_id,
        "campaigns": [*campaign_ids],
        "last": last,
        "names": sorted(OWN_EVENTS),
        "limit": _ALL,
    }
    return await reader.opened(await reader.rows(organization_id, _OWN, params))


async def page_of_campaign_history(
    reader: Reader, query: CampaignHistoryQuery
) -> list[HistoryEntry]:
    """Return up to ``limit`` entries of a campaign, newest first.

    Items have their present names.
    """
    streams = [query.campaign_id, membership_stream(query.campaign_id)]
    events = await _events(reader, query, streams)
    actors = await actor_names(reader, query.organization_id, events)
    named = {recorded.position: _named(recorded.event) for recorded in events}
    params = {
        "organization": query.organization_id,
        "ids": sorted({each for each in named.values() if each is not None}),
    }
    names: dict[UUID | None, str] = {}
    if params["ids"]:
        names.update(await reader.rows(query.organization_id, _NAMES, params))
    known = {each for each in names if each is not None}
    return [
        without_others(
            _entry(
                recorded,
                by=actor_label(recorded.actor, actors),
                item=names.get(named[recorded.position], "an item"),
            ),
            reader.project_ids,
            known | {query.campaign_id},
        )
        for recorded in events
    ]


async def _events(
    reader: Reader, query: CampaignHistoryQuery, streams: Sequence[UUID]
) -> list[RecordedEvent]:
    rows = await reader.rows(
        query.organization_id,
        _EVENTS,
        {
            "organization": query.organization_id,
            "campaign": query.campaign_id,
            "streams": list(streams),
            "first": query.first,
            "last": query.last,
            "names": None if query.events is None else sorted(query.events),
            "limit": query.limit,
        },
    )
    return await reader.opened(rows)


def _entry(recorded: RecordedEvent, *, by: str, item: str) -> HistoryEntry:
    event: Any = recorded.event
    return entry_of_event(
        recorded,
        about="campaign",
        actor_name=by,
        summary=summary(event, by=by, item=item),
    )


def _named(event: e.Event) -> UUID | None:
    """Return the id of the item or campaign that an event's sentence names, if any."""
    match event:
        case e.CampaignItemAdded() | e.CampaignItemRemoved():
            return event.item_id
        case e.CampaignJoined() | e.CampaignLeft():
            return event.campaign_id
        case _:
            return None
