"""alert_rules, alerts and imports: rules of organizations, and what they found."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.alerts.rows import (
    RULES,
    AlertRow,
    ImportRow,
    built_in_rows,
    fold_alert,
    fold_import,
    on_alert,
)
from projections.engine.erasures import ERASURE_EVENTS, cut_at_erasures
from projections.engine.folds import stored_names
from projections.engine.table import Table
from projections.engine.thing_table import key_of

_ALERTS = Table(AlertRow, name="alerts")
_IMPORTS = Table(ImportRow, name="imports")
_ERASE = """
DELETE FROM alerts
WHERE organization_id = %(organization)s AND creator_id = %(creator)s
"""


class Alerts:
    """Keeps alert_rules, alerts and imports; an erased creator keeps no alert."""

    name = "alerts"
    version = 3
    tables = ("alert_rules", "alerts", "imports")
    events = (
        RULES.on.events
        | on_alert.events
        | stored_names(e.OrganizationCreated, e.ImportFinished)
        | ERASURE_EVENTS
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their rows, and save each changed row once."""
        for part, erased in cut_at_erasures(events):
            self._fold(cursor, part)
            if erased is not None:
                erased.execute(cursor, _ERASE)

    def _fold(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        created = [
            row
            for each in events
            if isinstance(each.event, e.OrganizationCreated)
            for row in built_in_rows(each.stream, each.recorded_at)
        ]
        if created:
            table = RULES.table
            known = table.load(
                cursor, [(row.organization_id, row.id) for row in created]
            )
            table.save(cursor, [row for row in created if row.id not in known])
        RULES.write(cursor, events)
        alerts = [each for each in events if each.event in on_alert]
        _ALERTS.fold(cursor, alerts, key=key_of, fold=fold_alert)
        imports = [each for each in events if isinstance(each.event, e.ImportFinished)]
        _IMPORTS.fold(cursor, imports, key=key_of, fold=fold_import)
