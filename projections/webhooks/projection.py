"""webhooks: one row for each endpoint that gets public events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied, set_fields
from domain.webhook.decider import DETAILS
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table


class WebhookRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An endpoint; a removed one keeps no text.

    It gets the events after the position ``starts_after``, of those that it did not get
    before.
    """

    organization_id: UUID
    id: UUID
    url: str
    types: Sequence[str]
    project_id: UUID | None
    description: str | None
    filters: e.WebhookFilters | dict[str, Any] | None
    payload: e.WebhookPayload
    signatures: Sequence[e.WebhookSignature]
    disabled_reason: e.WebhookOff | None = None
    starts_after: int
    version: int
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


on = Folds[[WebhookRow | None, RecordedEvent], WebhookRow | None]()


@on(e.WebhookCreated)
def _created(
    event: e.WebhookCreated, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    return row or copied(
        event,
        WebhookRow,
        id=recorded.stream,
        starts_after=recorded.position,
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on(e.WebhookChanged)
def _changed(
    event: e.WebhookChanged, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    return _later(row, recorded, set_fields(event, DETAILS))


@on(e.WebhookEnabled)
def _enabled(
    event: e.WebhookEnabled, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    start = {"starts_after": recorded.position} if event.from_now else {}
    return _later(row, recorded, {"disabled_reason": None, **start})


@on(e.WebhookDisabled)
def _disabled(
    event: e.WebhookDisabled, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    return _later(row, recorded, {"disabled_reason": event.reason})


@on(e.WebhookSecretRotated, e.WebhookReplayRequested)
def _unchanged(
    event: e.WebhookSecretRotated | e.WebhookReplayRequested,  # noqa: ARG001 - chooses
    row: WebhookRow | None,
    recorded: RecordedEvent,
) -> WebhookRow | None:
    return _later(row, recorded, {})


@on(e.WebhookRemoved)
def _removed(
    event: e.WebhookRemoved,  # noqa: ARG001 - the type chooses the fold
    row: WebhookRow | None,
    recorded: RecordedEvent,
) -> WebhookRow | None:
    nothing = {"url": "", "description": None, "filters": None}
    return _later(row, recorded, {**nothing, "removed_at": recorded.recorded_at})


def _later(
    row: WebhookRow | None, recorded: RecordedEvent, changed: dict[str, Any]
) -> WebhookRow | None:
    if row is None or recorded.version <= row.version:
        return row
    return replace(
        row, version=recorded.version, updated_at=recorded.recorded_at, **changed
    )


def fold_webhook(row: WebhookRow | None, recorded: RecordedEvent) -> WebhookRow | None:
    return on.fold(recorded.event, row, recorded)


def row_of(history: Sequence[RecordedEvent]) -> WebhookRow | None:
    """Return the webhook after its history; a removed one is returned as it was."""
    row = None
    for recorded in history:
        after = fold_webhook(row, recorded)
        if row is not None and after is not None and after.removed_at is not None:
            after = replace(row, version=after.version, updated_at=after.updated_at)
        row = after
    return row


class Webhooks:
    """Keeps the table webhooks."""

    name = "webhooks"
    version = 1
    tables = ("webhooks",)
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their webhooks' rows, and save each changed row once."""
        own = [each for each in events if isinstance(each.event, e.WebhookEvent)]
        _TABLE.fold(cursor, own, key=_key, fold=fold_webhook)


_TABLE = Table(WebhookRow, name="webhooks")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream
