"""campaigns and campaign_items: one row for each campaign and each of its items."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.campaign.decider import DETAILS, TARGET, TEXTS
from domain.messages import TargetScope, copied, set_fields
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import RowBatch, Table


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A campaign; the counts are of its direct items."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    name: str
    description: str | None
    readme: str | None
    metadata: dict[str, Any]
    starts_on: date | None
    ends_on: date | None
    target_views: int | None = None
    target_at: datetime | None = None
    target_scope: TargetScope = "lifetime"
    target_posts: int | None = None
    target_engagement: int | None = None
    cost_minor: int | None = None
    currency: str | None = None
    creator_count: int = 0
    video_count: int = 0
    campaign_count: int = 0
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class CampaignItemRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item of a campaign; ``position`` is that of the event that added it."""

    organization_id: UUID
    campaign_id: UUID
    item_id: UUID
    item_type: e.ItemType
    position: int
    added_at: datetime


# Each fold returns the columns that an event sets on the row of a known campaign.
on = Folds[[CampaignRow, RecordedEvent], dict[str, Any]]()


@on(e.CampaignDetailsChanged)
def _details_changed(
    event: e.CampaignDetailsChanged, _: CampaignRow, __: RecordedEvent
) -> dict[str, Any]:
    return set_fields(event, DETAILS)


@on(e.CampaignTargetChanged)
def _target_changed(
    event: e.CampaignTargetChanged, _: CampaignRow, __: RecordedEvent
) -> dict[str, Any]:
    return set_fields(event, TARGET)


@on(e.CampaignTargetReached, e.CampaignTargetMissed)
def _target_reported(
    _: e.CampaignEvent, __: CampaignRow, ___: RecordedEvent
) -> dict[str, Any]:
    # Only the version changes, with which a client sends its next change.
    return {}


@on(e.CampaignItemAdded)
def _item_added(
    event: e.CampaignItemAdded, row: CampaignRow, _: RecordedEvent
) -> dict[str, Any]:
    return _counted(event, row, 1)


@on(e.CampaignItemRemoved)
def _item_removed(
    event: e.CampaignItemRemoved, row: CampaignRow, _: RecordedEvent
) -> dict[str, Any]:
    return _counted(event, row, -1)


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, _: CampaignRow, __: RecordedEvent
) -> dict[str, Any]:
    return texts_after(event, TEXTS)


@on(e.CampaignDeleted)
def _deleted(
    _: e.CampaignDeleted, __: CampaignRow, recorded: RecordedEvent
) -> dict[str, Any]:
    nothing = dict.fromkeys(("creator_count", "video_count", "campaign_count"), 0)
    return {**nothing, "deleted_at": recorded.recorded_at}


def fold_campaign(
    row: CampaignRow | None, recorded: RecordedEvent
) -> CampaignRow | None:
    """Return the row after an event of the campaign; the same row if applied before."""
    event = recorded.event
    if isinstance(event, e.CampaignCreated):
        return row or _created(event, recorded)
    if row is None or recorded.version <= row.version:
        return row
    return replace(
        row,
        version=recorded.version,
        updated_at=recorded.recorded_at,
        **on.fold(event, row, recorded),
    )


class Campaigns:
    """Keeps the tables campaigns and campaign_items."""

    name = "campaigns"
    version = 1
    tables = ("campaigns", "campaign_items")
    events = on.events | {e.CampaignCreated.stored_name}

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into campaigns and items, and save each changed row once."""
        rows = RowBatch(_TABLE, cursor, map(_key, events))
        items = _ItemChanges()
        for recorded in events:
            before = rows.get(recorded.stream)
            after = fold_campaign(before, recorded)
            rows.put(recorded.stream, after)
            if after is not before:
                items.apply(recorded)
        rows.save(cursor)
        items.save(cursor)


class _ItemChanges:
    """The changes of a batch of events to campaign_items, one for each item."""

    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, UUID, UUID], CampaignItemRow | None] = {}
        self._deleted: list[tuple[UUID, UUID]] = []

    def apply(self, recorded: RecordedEvent) -> None:
        event, campaign_id = recorded.event, recorded.stream
        match event:
            case e.CampaignItemAdded():
                row = CampaignItemRow(
                    organization_id=event.organization_id,
                    campaign_id=campaign_id,
                    item_id=event.item_id,
                    item_type=event.item_type,
                    position=recorded.position,
                    added_at=recorded.recorded_at,
                )
                self._rows[event.organization_id, campaign_id, event.item_id] = row
            case e.CampaignItemRemoved():
                self._rows[event.organization_id, campaign_id, event.item_id] = None
            case e.CampaignDeleted():
                self._deleted.append((event.organization_id, campaign_id))
            case _:
                pass

    def save(self, cursor: Cursor[TupleRow]) -> None:
        deleted = set(self._deleted)
        kept = {key: row for key, row in self._rows.items() if key[:2] not in deleted}
        gone = [key for key, row in kept.items() if row is None]
        _ITEMS.save(cursor, [row for row in kept.values() if row is not None])
        if gone:
            cursor.execute(_REMOVE, list(map(list, zip(*gone, strict=True))))
        if deleted:
            cursor.execute(_EMPTY, list(map(list, zip(*deleted, strict=True))))


_TABLE = Table(CampaignRow, name="campaigns")
_ITEMS = Table(
    CampaignItemRow,
    name="campaign_items",
    key=("organization_id", "campaign_id", "item_id"),
)
_REMOVE = """
DELETE FROM campaign_items i
USING unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS gone (organization, campaign, item)
WHERE i.organization_id = organization AND i.campaign_id = campaign AND i.item_id = item
"""
_EMPTY = """
DELETE FROM campaign_items i
USING unnest(%b::uuid[], %b::uuid[]) AS gone (organization, campaign)
WHERE i.organization_id = organization AND i.campaign_id = campaign
"""


def _created(event: e.CampaignCreated, recorded: RecordedEvent) -> CampaignRow:
    return copied(
        event,
        CampaignRow,
        id=recorded.stream,
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


def _counted(
    event: e.CampaignItemAdded | e.CampaignItemRemoved, row: CampaignRow, change: int
) -> dict[str, Any]:
    column = f"{event.item_type}_count"
    return {column: getattr(row, column) + change}


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream
