"""The projection that plans the next issue of a report after it changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import plan_sooner
from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import stored_names

KIND: Final = "reports"
_OF_ORGANIZATION: LiteralString = """
SELECT id FROM reports WHERE organization_id = %s AND removed_at IS NULL
"""


class ReportTouches:
    """Wakes the work of each report that was made or changed, or whose zone changed.

    The work itself looks into the log for the time at which the report falls due.
    """

    name = "report_touches"
    version = 1
    events = stored_names(
        e.ReportMade, e.ReportChanged, e.ReportRemoved, e.OrganizationSettingsChanged
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Plan the work of each touched report for now."""
        touched: set[UUID] = set()
        for each in events:
            event = each.event
            if not isinstance(event, e.OrganizationSettingsChanged):
                touched.add(each.stream)
            elif event.time_zone is not UNSET:
                rows = cursor.execute(_OF_ORGANIZATION, (each.stream,)).fetchall()
                touched |= {row[0] for row in rows}
        now = datetime.now(UTC)
        for report_id in sorted(touched):
            plan_sooner(cursor, KIND, str(report_id), due_at=now)
