"""channels: one row for each service to which alerts are sent."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.channel.decider import DETAILS, TEXTS
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from projections.engine.thing_table import ThingRow, ThingTable


class ChannelRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """A channel; a removed one keeps no text."""

    kind: e.ChannelKind
    name: str
    shown: str
    project_id: UUID | None
    enabled: bool
    removed_at: datetime | None = None


CHANNELS = ThingTable(
    ChannelRow,
    table="channels",
    made=e.ChannelAdded,
    changed=e.ChannelChanged,
    ended=e.ChannelRemoved,
    details=DETAILS,
    blank={"name": "", "shown": ""},
    texts=(e.EarlierTextsForgotten, lambda event: texts_after(event, TEXTS)),
)


class Channels:
    """Keeps the table channels."""

    name = "channels"
    version = 1
    tables = ("channels",)
    events = CHANNELS.on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their channels' rows, and save each changed row once."""
        CHANNELS.write(cursor, events)
