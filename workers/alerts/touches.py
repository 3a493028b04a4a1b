"""The projection that lets an organization's rules be judged soon after its events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import plan_sooner
from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import stored_names

KIND = "alerts"
# Several events in a row are judged together.
_WAIT = timedelta(seconds=5)


class AlertTouches:
    """Plans the judging of an organization that an event touched.

    The first event of an organization plans it, and each judging plans the next one.
    """

    name = "alert_touches"
    version = 1
    events = stored_names(
        e.OrganizationCreated,
        e.PlanChanged,
        e.OperatorChanged,
        e.MemberAdded,
        e.ProjectCreated,
        e.ApiKeyCreated,
        e.CreatorAdded,
        e.CreatorRemoved,
        e.CreatorReactivated,
        e.CreatorAutoDisabled,
        e.CreatorDisabled,
        e.CreatorReenabled,
        e.SubjectErased,
        e.ScrapeSucceeded,
        e.ScrapeFailed,
        e.ImportFinished,
        e.VideoExcluded,
        e.VideoWentMissing,
        e.VideoTrackingDisabled,
        e.AlertRuleMade,
        e.AlertRuleChanged,
        e.AlertRuleRemoved,
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Plan the judging of each touched organization."""
        touched: set[UUID] = set()
        for each in events:
            of: UUID = getattr(each.event, "organization_id", each.stream)
            touched.add(of)
        due_at = datetime.now(UTC) + _WAIT
        for organization_id in sorted(touched):
            plan_sooner(cursor, KIND, str(organization_id), due_at=due_at)
