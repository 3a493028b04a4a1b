"""Cuts batches of events at erasures, so that an erasure finds all earlier rows."""

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import stored_names

ERASURE_EVENTS = stored_names(e.SubjectErased)


class ErasedSubject(msgspec.Struct, frozen=True, gc=False):
    """A creator that was erased, and the event of the erasure."""

    recorded: RecordedEvent

    @property
    def event(self) -> e.SubjectErased:
        return cast("e.SubjectErased", self.recorded.event)

    @property
    def is_dropped(self) -> bool:
        """Tell whether the figures are gone, too."""
        return self.event.figures == "drop"

    @property
    def params(self) -> dict[str, object]:
        """Return the values that statements about the erasure need, by name."""
        return {
            "organization": self.event.organization_id,
            "creator": self.recorded.stream,
            "handle": self.event.handle,
            "videos": list(self.event.video_ids),
            "scrapes": list(self.event.scrape_ids),
            "position": self.recorded.position,
            "time_zone": self.event.time_zone,
        }

    def execute(self, cursor: Cursor[TupleRow], *statements: str) -> None:
        """Execute constant statements with ``params``."""
        for statement in statements:
            cursor.execute(statement.encode(), self.params, prepare=True)


def cut_at_erasures(
    events: Sequence[RecordedEvent],
) -> Iterator[tuple[Sequence[RecordedEvent], ErasedSubject | None]]:
    """Yield events in their order up to each erasure, with the erasure."""
    part: list[RecordedEvent] = []
    for recorded in events:
        if isinstance(recorded.event, e.SubjectErased):
            yield part, ErasedSubject(recorded)
            part = []
        else:
            part.append(recorded)
    if part:
        yield part, None
