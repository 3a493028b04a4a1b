"""``goatherd alert-rules``: what is watched, and what a rule would have found."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    OnlyOrganizationOption,
    chosen_organization,
    organization_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_list
from domain import commands as c
from domain import events as e
from domain.alert.conditions import CONDITIONS, Condition, ConditionType, completed
from domain.alert.events import AlertScope, ScopeType
from domain.alert.findings import Firing, firings
from domain.alert.handlers import change_rule, make_rule
from domain.alert.precedence import rules_before
from domain.alert.rules import check_scope
from domain.errors import DomainError
from domain.scrape.intervals import hours_between
from infra.eventstore.execute import execute
from infra.ids import new_id
from infra.settings import Settings
from projections.alerts.judging import WatchedRule, can_judge, judged_now
from projections.alerts.queries import AlertRule, rules_of

_JUDGED = ("activity", "alerts", "analytics", "creator_list", "scrape_runs", "videos")
_A_DAY = timedelta(days=1)
_ORGANIZATION = """
SELECT plan, time_zone, creator_profiles_hours FROM organizations
WHERE organization_id = %s
"""
_HANDLES = """
SELECT id, tiktok_handle FROM creator_list
WHERE organization_id = %s AND id = ANY(%s)
"""

TypeArgument = Annotated[
    ConditionType, Parameter(help="The type of condition, such as no_post_for_days.")
]
NumbersOption = Annotated[
    tuple[str, ...],
    Parameter(
        "--set",
        negative=(),
        help="A number of the condition, such as days=10; the option can be repeated.",
    ),
]
ScopeOption = Annotated[
    ScopeType, Parameter(help="The things to watch: org, project, campaign or creator.")
]
ScopeIdOption = Annotated[
    UUID | None, Parameter(help="The id of the project, campaign or creator.")
]
ForOption = Annotated[
    int,
    Parameter(
        "--for-minutes", help="The minutes for which it must hold before it fires."
    ),
]
RestOption = Annotated[
    int,
    Parameter(
        "--cool-down-minutes", help="The minutes without a new alert after the last."
    ),
]
ChannelsOption = Annotated[
    tuple[UUID, ...],
    Parameter(
        "--channel",
        negative=(),
        help="A channel that gets its alerts, in addition to the bell, by the id that "
        "`goatherd channels list --ids` shows; the option can be repeated.",
    ),
]
RuleId = Annotated[
    UUID,
    Parameter(help="The id of the rule: `goatherd alert-rules list --ids` shows it."),
]


def list_rules(
    *,
    org: OnlyOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List alert rules, also those that come with Goatherd."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "alerts", what="this list is")
        org_id = None if org is None else organization_named(connection, org)
        found = rules_of(connection, org_id)
    print_list(
        found,
        "name condition=words watches enabled silent_where",
        ids="id org_id" if ids else "",
        json=json,
        watches=_watched,
        silent_where=lambda rule: (
            ", ".join(
                other.name
                for other in rules_before(rule, found)
                if other.org_id == rule.org_id
            )
            or None
        ),
    )


def create(
    type_: TypeArgument,
    /,
    *,
    org: ChosenOrganizationOption = None,
    name: Annotated[str, Parameter(help="A name; by default the type.")] = "",
    numbers: NumbersOption = (),
    scope: ScopeOption = "org",
    scope_id: ScopeIdOption = None,
    for_minutes: ForOption = 0,
    cool_down_minutes: RestOption = 0,
    channels: ChannelsOption = (),
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a rule: it is judged within seconds, and then every five minutes."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
    rule_id = new_id()
    command = c.MakeAlertRule(
        organization_id=organization_id,
        name=name.strip() or type_,
        scope=AlertScope(type=scope, id=scope_id),
        condition=_condition(type_, numbers),
        for_minutes=for_minutes,
        cool_down_minutes=cool_down_minutes,
        channels=(e.IN_APP_CHANNEL, *map(str, channels)),
    )
    with opened_store(settings) as store:
        try:
            execute(store, lambda: make_rule(rule_id, command), context=cli_context())
        except DomainError as error:
            raise CommandError(f"{error} Nothing was made.") from error
    if json:
        print_json({"id": rule_id})
        return
    print(f"Made {rule_id}")


def preview(
    type_: TypeArgument,
    /,
    *,
    org: ChosenOrganizationOption = None,
    numbers: NumbersOption = (),
    scope: ScopeOption = "org",
    scope_id: ScopeIdOption = None,
    for_minutes: ForOption = 0,
    cool_down_minutes: RestOption = 0,
    days: Annotated[
        int, Parameter(help="The days up to now that are judged, at most 366.")
    ] = 105,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List when a rule would have fired in the past; nothing is stored."""
    settings = read_settings(data_dir=data_dir)
    condition = _condition(type_, numbers)
    of = AlertScope(type=scope, id=scope_id)
    if not can_judge(type_) or not CONDITIONS[type_].has_history:
        raise UsageError(f"{type_} can be judged at present alone.")
    if not 1 <= days <= 366:
        raise UsageError("--days must be from 1 to 366.")
    try:
        check_scope(condition, of)
    except DomainError as error:
        raise CommandError(str(error)) from error
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
        for name in _JUDGED:
            wait_until_caught_up(connection, name, what="this list is")
        watch = _watch(connection, settings, organization_id, condition, of, days=days)
        fired = firings(
            judged_now(connection, watch),
            for_minutes=for_minutes,
            cool_down_minutes=cool_down_minutes,
            first=watch.first,
            last=watch.last,
        )
        creators = [each.creator_id for each in fired if each.creator_id is not None]
        handles: dict[UUID | None, str] = dict(
            connection.execute(_HANDLES, (organization_id, creators)).fetchall()
        )

    def about(firing: Firing) -> str:
        handle = handles.get(firing.creator_id)
        return (
            f"{firing.subject_type} {firing.subject_key}"
            if handle is None
            else (f"@{handle}")
        )

    print_list(
        fired,
        "about at value limit",
        json=json,
        about=about,
        value=lambda firing: firing.evidence.value,
        limit=lambda firing: firing.evidence.limit,
    )


def remove(rule_id: RuleId, /, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Remove a rule, and resolve its alerts."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        wait_until_caught_up(connection, "alerts", what="this rule is")
        rules = {each.id: each for each in rules_of(connection, None)}
    if rule_id not in rules:
        raise CommandError(f"There is no rule {rule_id}.")
    with opened_store(settings) as store:
        execute(
            store,
            lambda: change_rule(
                rule_id,
                c.RemoveAlertRule(),
                organization_id=rules[rule_id].org_id,
            ),
            context=cli_context(),
        )
    if json:
        print_json({"id": rule_id, "removed": True})
        return
    print(f"Removed {rule_id}")


def _condition(type_: ConditionType, numbers: tuple[str, ...]) -> Condition:
    """Return the condition with its numbers.

    Raises:
        CommandError: a number has no such name or value.
    """
    given: dict[str, Any] = {}
    for each in numbers:
        name, is_set, value = each.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise UsageError(f"{each} must be a name, = and a number.") from None
        if not is_set or name not in CONDITIONS[type_].defaults:
            known = ", ".join(CONDITIONS[type_].defaults) or "none"
            raise UsageError(f"Numbers of {type_} are {known}, and not {name}.")
        given[name] = int(number) if number.is_integer() else number
    try:
        return completed(Condition(type=type_, **given))
    except DomainError as error:
        raise CommandError(str(error)) from error


def _watch(
    connection: Connection[TupleRow],
    settings: Settings,
    organization_id: UUID,
    condition: Condition,
    scope: AlertScope,
    *,
    days: int,
) -> WatchedRule:
    row = connection.execute(_ORGANIZATION, (organization_id,)).fetchone()
    assert row is not None, "it was found by its name"
    plan, time_zone, hours = row
    limits = settings.all_plans[plan]
    now = datetime.now(UTC)
    return WatchedRule(
        organization_id=organization_id,
        condition=condition,
        scope=scope,
        first=now - days * _A_DAY,
        last=now,
        profile_hours=hours_between("creator_profiles", chosen=hours, limits=limits),
        time_zone=time_zone,
    )


def _watched(rule: AlertRule) -> str:
    return rule.scope.type if rule.scope.id is None else f"one {rule.scope.type}"
