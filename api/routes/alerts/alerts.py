"""/alerts: what the rules found, and caring for it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, get_args
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.http.errors import Code, field_error
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from domain import commands as c
from domain.alert.alerts import AlertStatus
from domain.alert.handlers import care_for_alert
from infra.eventstore.execute import Executed
from projections.alerts.queries import (
    Alert,
    alert_from_row,
    one_alert,
    page_of_alerts,
)
from projections.alerts.rows import alert_row_of
from projections.engine.reader import Reader

READ_MODEL = "alerts"
_LONGEST_SNOOZE = timedelta(days=3_660)

AlertFilter = Literal["open", "pending", "firing", "resolved", "ok"]
_STATES: dict[AlertFilter | None, tuple[AlertStatus, ...]] = {
    None: ("pending", "firing", "resolved"),
    "open": ("pending", "firing"),
    "pending": ("pending",),
    "firing": ("firing",),
    "resolved": ("resolved",),
    "ok": ("ok",),
}
assert _STATES.keys() == {None, *get_args(AlertFilter)}


class Snooze(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``until`` is the time from which the alert is shown as new again."""

    until: Annotated[datetime, Meta(tz=True, examples=["2030-01-01T00:00:00Z"])]


class AlertRoutes(Controller):
    """The list of alerts, and one alert."""

    path = "/alerts"
    tags = ("Alerts",)
    entities: ClassVar = {"alert": Alert}

    @read_route("/", "listAlerts")
    async def list_alerts(
        self,
        listing: NamedDependency[ListRequest],
        state_: Annotated[
            AlertFilter | None,
            QueryParameter(
                name="state",
                description="Show only alerts in this state; `open` is pending or "
                "firing, and `ok` ended before it fired. Without it all but `ok`.",
            ),
        ] = None,
        creator_id: FromQuery[UUID | None] = None,
        project_id: FromQuery[UUID | None] = None,
        rule_id: FromQuery[UUID | None] = None,
    ) -> ListPage[Alert]:
        """List alerts, the last to begin first.

        People who are limited to some projects see the alerts of these.
        """
        await listing.caught_up(READ_MODEL)
        of = {"creator_id": creator_id, "project_id": project_id, "rule_id": rule_id}
        rows, next_cursor = await listing.rows(
            "alerts",
            lambda limit, after: page_of_alerts(
                listing.reader,
                listing.organization_id,
                states=_STATES[state_],
                limit=limit,
                after=after,
                **of,
            ),
            filters={"state": state_, **of},
            key=lambda row: (row.noted_at, row.alert.id),
            after=tuple[datetime, UUID],
        )
        alerts = [row.alert for row in rows]
        return ListPage(alerts, limit=listing.limit, next_cursor=next_cursor)

    @read_route("/{alert_id:uuid}", "getAlert")
    async def get_alert(
        self,
        request: Request,
        alert_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Alert]:
        """Show one alert with its evidence."""
        await caught_up(request, reader, READ_MODEL)
        return found(
            "alert", await one_alert(reader, request.organization_id, alert_id)
        )

    @write_route(
        post,
        "/{alert_id:uuid}/acknowledge",
        "acknowledgeAlert",
        status=200,
        errors=[Code.ALERT_OVER],
    )
    def acknowledge_alert(
        self,
        request: Request,
        alert_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Alert]:
        """Note that somebody cares for the alert; it goes on until it is over."""
        return _cared(request, writer, alert_id, c.AcknowledgeAlert())

    @write_route(
        post,
        "/{alert_id:uuid}/snooze",
        "snoozeAlert",
        status=200,
        errors=[Code.ALERT_OVER],
    )
    def snooze_alert(
        self,
        request: Request,
        alert_id: FromPath[UUID],
        data: JSONBody[Snooze],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Alert]:
        """Put the alert aside until a time, at most ten years from now."""
        now = datetime.now(UTC)
        if not now < data.until <= now + _LONGEST_SNOOZE:
            raise field_error(
                Code.INVALID_BODY, "/until", "must be in the next ten years"
            )
        command = c.SnoozeAlert(until=data.until.astimezone(UTC))
        return _cared(request, writer, alert_id, command)


def _cared(
    request: Request,
    writer: CommandWriter,
    alert_id: UUID,
    command: c.AcknowledgeAlert | c.SnoozeAlert,
) -> Answer[Alert]:
    return writer.perform(
        request,
        lambda: care_for_alert(
            alert_id, command, organization_id=request.organization_id
        ),
        _answer,
    )


def _answer(rows: Rows, done: Executed[UUID]) -> Answer[Alert]:
    row = alert_row_of(done.history(done.result))
    assert row is not None
    alert = rows.ask(lambda cursor: alert_from_row(cursor, row))
    return Answer(alert, version=alert.version)
