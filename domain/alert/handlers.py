"""The handlers that make and change rules, and those that open and end alerts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct

from domain import commands as c
from domain.alert import alerts, rules
from domain.alert.alerts import AlertState, alert_of
from domain.alert.built_in import built_in_rules
from domain.alert.errors import InvalidRuleChannelsError
from domain.alert.events import AlertOpened, AlertScope
from domain.alert.rules import AlertRuleState, rule_of
from domain.campaign.decider import campaign_of, living
from domain.channel.decider import living_channel
from domain.creator.decider import creator_of
from domain.decisions import Decision, Handler, History, QuotaCounter, check_version, on
from domain.errors import NotFoundError, about_field
from domain.messages import Event, copied
from domain.organization.decider import organization_of, project_owner
from domain.streams import alert_rules_counter, alert_stream

# The rules of an organization are judged together, every few minutes.
MOST_RULES: Final = 100


class ConditionReport(Struct, frozen=True, kw_only=True):
    """A condition that holds for a subject, and what is known of its earlier alerts.

    ``known`` is the number of alerts of this subject that the reporter knows.
    """

    command: c.ReportCondition
    known: int = 0
    cool_down_minutes: int = 0

    def stream(self, number: int) -> UUID:
        command = self.command
        return alert_stream(command.rule_id, command.subject_key, number)


def make_rule(rule_id: UUID, command: c.MakeAlertRule) -> Handler[UUID]:
    """Make a rule about things of the organization.

    Raises:
        NotFoundError: the organization has no such thing.
    """
    organization_id = command.organization_id
    histories = yield (rule_id, organization_id)
    if organization_of(histories[organization_id]) is None:
        raise NotFoundError("organization")
    events = on(rule_id, rules.decide(rule_of(histories[rule_id]), command))
    with about_field("scope"):
        yield from _check_scope(command.scope, organization_id)
    yield from _check_channels(rules.channel_ids(command.channels), organization_id)
    counter = QuotaCounter(
        key=alert_rules_counter(organization_id),
        delta=1,
        limit_key="max_alert_rules_per_org",
        maximum=MOST_RULES,
    )
    return Decision(rule_id, events=events, quota_counters=[counter] if events else [])


def change_rule(
    rule_id: UUID,
    command: c.ChangeAlertRule | c.RemoveAlertRule,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change or remove a rule, also one that comes with Goatherd.

    The first change of the latter stores all of it, so that it stays as it is when
    Goatherd comes with other ones.

    Raises:
        NotFoundError: the organization has no such rule.
    """
    histories = yield (rule_id,)
    history = histories[rule_id]
    rule = rule_of(history)
    first: list[c.MakeAlertRule] = []
    built_in = built_in_rules(organization_id).get(rule_id)
    if rule is None and built_in is not None and not history:
        first.append(built_in)
        rule = copied(built_in, AlertRuleState)
    if rule is None or rule.organization_id != organization_id:
        raise NotFoundError("alert_rule")
    check_version(len(history), expected_versions)
    if isinstance(command, c.ChangeAlertRule) and isinstance(command.scope, AlertScope):
        with about_field("scope"):
            yield from _check_scope(command.scope, organization_id)
    changed = rules.decide(rule, command)
    if not changed:
        return Decision(rule_id)
    if isinstance(command, c.ChangeAlertRule) and command.channels is not UNSET:
        # A channel that is gone by now may stay where it was.
        added = {*command.channels} - {*rule.channels}
        yield from _check_channels(rules.channel_ids(sorted(added)), organization_id)
    events = [event for each in first for event in rules.decide(None, each)]
    is_gone = isinstance(command, c.RemoveAlertRule) and rule.built_in is None
    counter = QuotaCounter(key=alert_rules_counter(organization_id), delta=-1)
    return Decision(
        rule_id,
        events=on(rule_id, [*events, *changed]),
        quota_counters=[counter] if is_gone else [],
    )


def report_conditions(
    rule_id: UUID, reports: Sequence[ConditionReport]
) -> Handler[list[UUID]]:
    """Open the alerts of one rule whose conditions hold, or let them wait or worsen.

    Nothing happens if the rule has changed meanwhile. The result has the ids of alerts
    that fire from now on.
    """
    histories = yield (rule_id,)
    history = histories[rule_id]
    events: list[tuple[UUID, Event]] = []
    opened: list[UUID] = []
    # The last alert of a subject may be newer than the reporter knows.
    last: dict[int, AlertState] = {}
    numbers = {place: max(each.known - 1, 0) for place, each in enumerate(reports)}
    while numbers:
        streams = {place: reports[place].stream(n) for place, n in numbers.items()}
        histories = yield [*streams.values()]
        for place, stream in streams.items():
            report, alert = reports[place], alert_of(histories[stream])
            if alert is not None and alert.is_over:
                last[place] = alert
                numbers[place] += 1
                continue
            del numbers[place]
            is_due = _applies(history, report.command) and (
                alert is not None or not _rests(last.get(place), report)
            )
            decided = alerts.decide(alert, report.command) if is_due else []
            events += on(stream, decided)
            if any(isinstance(each, AlertOpened) for each in decided):
                opened.append(stream)
    return Decision(opened, events=events, guards=[rule_id] if events else [])


def resolve_alerts(
    commands: Mapping[UUID, c.ResolveAlert],
) -> Handler[None]:
    """Resolve alerts; one that is over already stays as it is."""
    histories = yield [*commands]
    return Decision(
        None,
        events=[
            each
            for alert_id, command in commands.items()
            for each in on(
                alert_id, alerts.decide(alert_of(histories[alert_id]), command)
            )
        ],
    )


def care_for_alert(
    alert_id: UUID,
    command: c.AcknowledgeAlert | c.SnoozeAlert,
    *,
    organization_id: UUID,
) -> Handler[UUID]:
    """Acknowledge or snooze an alert of the organization.

    Raises:
        NotFoundError: the organization has no such alert.
        AlertOverError: the alert is resolved.
    """
    histories = yield (alert_id,)
    alert = alert_of(histories[alert_id])
    if alert is None or alert.organization_id != organization_id:
        raise NotFoundError("alert")
    return Decision(alert_id, events=on(alert_id, alerts.decide(alert, command)))


def _applies(history: History, command: c.ReportCondition) -> bool:
    """Tell whether the rule still has the condition that was judged."""
    rule = rule_of(history)
    if rule is None:
        return command.rule_id in built_in_rules(command.organization_id)
    return rule.enabled and not rule.is_removed and rule.condition == command.condition


def _rests(last: AlertState | None, report: ConditionReport) -> bool:
    """Tell whether the last alert of the subject ended a short time ago."""
    if last is None or last.ended_at is None:
        return False
    rest = timedelta(minutes=report.cool_down_minutes)
    return report.command.now < last.ended_at + rest


def _check_channels(
    channel_ids: Sequence[UUID], organization_id: UUID
) -> Handler[None]:
    """Refuse channels that the organization does not have, or that are for creators.

    Raises:
        NotFoundError: there is no such channel.
        InvalidRuleChannelsError: a channel sends mails to creators.
    """
    if channel_ids:
        histories = yield [*channel_ids]
        for channel_id in channel_ids:
            channel = living_channel(histories[channel_id], organization_id)
            if channel.kind == "creator_email":
                reason = "must not be for mails to creators: alerts are for the team"
                raise InvalidRuleChannelsError(reason)
    return Decision(None)


def _check_scope(scope: AlertScope, organization_id: UUID) -> Handler[None]:
    """Refuse a scope that the organization does not have.

    Raises:
        NotFoundError: the organization has no such thing.
    """
    if scope.id is None:
        return Decision(None)
    if scope.type == "org":
        if scope.id != organization_id:
            raise NotFoundError("organization")
        return Decision(None)
    stream = organization_id if scope.type == "project" else scope.id
    histories = yield (stream,)
    match scope.type:
        case "project":
            project_owner(histories[stream], scope.id)
        case "campaign":
            campaign = living(campaign_of(histories[stream]))
            if campaign.organization_id != organization_id:
                raise NotFoundError("campaign")
        case _:
            creator = creator_of(histories[stream])
            if creator is None or creator.organization_id != organization_id:
                raise NotFoundError("creator")
    return Decision(None)
