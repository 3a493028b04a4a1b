"""webhooks: one row for each endpoint that gets public events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import Event
from domain.webhook.decider import DETAILS
from infra.eventstore.store import RecordedEvent
from projections.engine.thing_table import ThingRow, ThingTable


class WebhookRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """An endpoint; a removed one keeps no text.

    It gets the events after the position ``starts_after``, of those that it did not get
    before.
    """

    url: str
    types: Sequence[str]
    project_id: UUID | None
    description: str | None
    filters: e.WebhookFilters | dict[str, Any] | None
    payload: e.WebhookPayload
    signatures: Sequence[e.WebhookSignature]
    disabled_reason: e.WebhookOff | None = None
    starts_after: int
    removed_at: datetime | None = None


class _WebhookRows(ThingTable[WebhookRow]):
    def first(
        self, event: Event, recorded: RecordedEvent, **more: object
    ) -> WebhookRow:
        return super().first(event, recorded, starts_after=recorded.position, **more)


WEBHOOKS = _WebhookRows(
    WebhookRow,
    table="webhooks",
    made=e.WebhookCreated,
    changed=e.WebhookChanged,
    ended=e.WebhookRemoved,
    details=DETAILS,
    blank={"url": "", "description": None, "filters": None},
)
on = WEBHOOKS.on


@on(e.WebhookEnabled)
def _enabled(
    event: e.WebhookEnabled, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    start = {"starts_after": recorded.position} if event.from_now else {}
    return WEBHOOKS.later(row, recorded, {"disabled_reason": None, **start})


@on(e.WebhookDisabled)
def _disabled(
    event: e.WebhookDisabled, row: WebhookRow | None, recorded: RecordedEvent
) -> WebhookRow | None:
    return WEBHOOKS.later(row, recorded, {"disabled_reason": event.reason})


@on(e.WebhookSecretRotated, e.WebhookReplayRequested)
def _unchanged(
    event: e.WebhookSecretRotated | e.WebhookReplayRequested,  # noqa: ARG001 - chooses
    row: WebhookRow | None,
    recorded: RecordedEvent,
) -> WebhookRow | None:
    return WEBHOOKS.later(row, recorded, {})


class Webhooks:
    """Keeps the table webhooks."""

    name = "webhooks"
    version = 1
    tables = ("webhooks",)
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their webhooks' rows, and save each changed row once."""
        WEBHOOKS.write(cursor, events)
