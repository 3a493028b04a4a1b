"""``goatherd alerts``: what the rules found, and caring for it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import Parameter
from msgspec.structs import asdict
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import OnlyOrganizationOption, organization_named
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_list, print_table
from domain import commands as c
from domain.alert.alerts import AlertStatus, alert_of
from domain.alert.handlers import care_for_alert
from domain.errors import DomainError
from infra.eventstore.execute import execute
from infra.eventstore.store import plain_events
from projections.alerts.queries import Alert, alerts_of

AlertId = Annotated[
    UUID, Parameter(help="The id of the alert: `goatherd alerts list --ids` shows it.")
]
ShownState = Literal["open", "pending", "firing", "resolved"]
_STATES: dict[ShownState, tuple[AlertStatus, ...]] = {
    "open": ("pending", "firing"),
    "pending": ("pending",),
    "firing": ("firing",),
    "resolved": ("resolved",),
}
_DEFAULT_LIMIT = 100


def list_alerts(
    *,
    org: OnlyOrganizationOption = None,
    state: Annotated[
        ShownState, Parameter(help="Only alerts in this state; open has not ended.")
    ] = "open",
    limit: Annotated[
        int, Parameter(help="The number of alerts at most, the newest ones.")
    ] = _DEFAULT_LIMIT,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List alerts, the last to begin first."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "alerts", what="this list is")
        org_id = None if org is None else organization_named(connection, org)
        found = alerts_of(connection, org_id, states=_STATES[state], limit=limit)
    print_list(
        found,
        "about alert=words severity state since",
        ids="id rule_id creator_id" if ids else "",
        json=json,
        about=about,
    )


def show(alert_id: AlertId, /, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Show one alert with its evidence."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "alerts", what="this alert is")
        alert = _alert(connection, alert_id)
    if json:
        print_json(alert)
        return
    rows: list[tuple[str, object]] = [
        ("about", about(alert)),
        ("alert", alert.words),
        ("rule", alert.rule_name),
        ("severity", alert.severity),
        ("state", alert.state),
        ("since", f"{alert.since:%Y-%m-%d %H:%M}"),
        *((name, at) for name, at in _times(alert) if at is not None),
        *(
            (name, _text(value))
            for name, value in asdict(alert.evidence).items()
            if value not in (None, ())
        ),
    ]
    print_table(("", ""), rows)


def acknowledge(
    alert_id: AlertId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Note that somebody cares for an alert; it goes on until it is over."""
    _care(alert_id, c.AcknowledgeAlert(), "Acknowledged", data_dir, json=json)


def snooze(
    alert_id: AlertId,
    /,
    *,
    until: Annotated[
        datetime, Parameter(help="The time, in UTC, from which it is new again.")
    ],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Put an alert aside until a time."""
    at = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    if at <= datetime.now(UTC):
        raise UsageError("--until must be in the future.")
    _care(alert_id, c.SnoozeAlert(until=at), "Put aside", data_dir, json=json)


def about(alert: Alert) -> str:
    """Return the name of the thing that an alert is about."""
    if alert.tiktok_handle is not None:
        return f"@{alert.tiktok_handle}"
    return f"{alert.subject.type} {alert.subject.id}"


def _alert(connection: Connection[TupleRow], alert_id: UUID) -> Alert:
    found = alerts_of(connection, None, alert_id=alert_id, limit=1)
    if not found:
        raise CommandError(f"There is no alert {alert_id}.")
    return found[0]


def _times(alert: Alert) -> Sequence[tuple[str, str | None]]:
    return [
        (name, None if at is None else f"{at:%Y-%m-%d %H:%M}")
        for name, at in (
            ("fired", alert.opened_at),
            ("acknowledged", alert.acknowledged_at),
            ("aside until", alert.snoozed_until),
            ("resolved", alert.resolved_at),
        )
    ]


def _text(value: Any) -> str:  # noqa: ANN401 - a field of the evidence
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return f"{value:g}"


def _care(
    alert_id: UUID,
    command: c.AcknowledgeAlert | c.SnoozeAlert,
    what: str,
    data_dir: DataDir,
    *,
    json: bool,
) -> None:
    with opened_store(read_settings(data_dir=data_dir)) as store:
        alert = alert_of(plain_events(store.load(alert_id)[alert_id]))
        if alert is None:
            raise CommandError(f"There is no alert {alert_id}.")
        try:
            execute(
                store,
                lambda: care_for_alert(
                    alert_id, command, organization_id=alert.organization_id
                ),
                context=cli_context(),
            )
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
    if json:
        print_json({"id": alert_id, what.lower().replace(" ", "_"): True})
        return
    print(f"{what}: {alert_id}")
