"""The registry of due work: every kind, with the handler that does it."""

from collections.abc import Mapping, Sequence

from application.channels.delivery import ChannelMessages
from application.due.turns import every
from application.due.worker import DueKind
from domain.organization.plans import Limits
from infra.eventstore.store import Store
from workers.alerts import touches
from workers.alerts.checks import EVERY, AlertChecks
from workers.reports import touches as report_touches
from workers.reports.issues import ReportIssues


def due_kinds(store: Store, plans: Mapping[str, Limits]) -> Sequence[DueKind]:
    """Return the kinds of work that fall due by time."""
    return (
        DueKind(
            name=touches.KIND,
            handle=AlertChecks(store, plans).handle,
            next_turn=every(EVERY, missed="once"),
        ),
        ChannelMessages(store).due_kind,
        DueKind(
            name=report_touches.KIND,
            handle=ReportIssues(store, plans).handle,
        ),
    )
