"""Alert rules: the state of one, and the events that commands cause."""

from collections.abc import Iterable, Sequence
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.alert import commands as c
from domain.alert import events as e
from domain.alert.built_in import condition_of_today
from domain.alert.conditions import CONDITIONS, Condition, completed
from domain.alert.errors import InvalidRuleChannelsError, InvalidScopeError
from domain.decisions import check_name, state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, changed_fields, copied, set_fields
from domain.texts import EarlierTextsForgotten, texts_after

# The fields of a rule that people can change.
DETAILS = (
    *("name", "scope", "condition", "for_minutes", "cool_down_minutes"),
    *("channels", "enabled"),
)


TEXTS = ("name",)


class AlertRuleState(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    built_in: str | None = None
    name: str
    scope: e.AlertScope
    condition: Condition
    for_minutes: int
    cool_down_minutes: int
    channels: tuple[str, ...]
    enabled: bool
    is_removed: bool = False


def decide(
    rule: AlertRuleState | None, command: c.AlertRuleCommand
) -> list[e.AlertRuleEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no rule with this id, or it was removed.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidConditionError: the numbers do not fit the type of the condition.
        InvalidScopeError: the condition can't watch such a scope.
        InvalidRuleChannelsError: a channel is neither the bell nor an id.
    """
    if isinstance(command, c.MakeAlertRule):
        if rule is not None:
            return []
        check_name(command.name)
        condition = completed(command.condition)
        check_scope(condition, command.scope)
        channels = checked_channels(command.channels)
        made = copied(command, e.AlertRuleMade, condition=condition)
        return [replace(made, channels=channels)]
    if rule is None or rule.is_removed:
        raise NotFoundError("alert_rule")
    if isinstance(command, c.RemoveAlertRule):
        return [e.AlertRuleRemoved(organization_id=rule.organization_id)]
    if command.name is not UNSET:
        check_name(command.name)
    if command.condition is not UNSET:
        command = replace(command, condition=completed(command.condition))
    if command.channels is not UNSET:
        command = replace(command, channels=checked_channels(command.channels))
    changed = changed_fields(command, rule, DETAILS)
    if not changed:
        return []
    check_scope(
        changed.get("condition", rule.condition), changed.get("scope", rule.scope)
    )
    return [e.AlertRuleChanged(organization_id=rule.organization_id, **changed)]


def check_scope(condition: Condition, scope: e.AlertScope) -> None:
    """Refuse a scope that the condition can't watch.

    Raises:
        InvalidScopeError: the type of condition has no such scope, or the scope has no
            id.
    """
    allowed = CONDITIONS[condition.type].scopes
    if scope.type not in allowed:
        raise InvalidScopeError(
            f"must be {' or '.join(allowed)} for {condition.type}, not {scope.type}"
        )
    if scope.id is None and scope.type != "org":
        raise InvalidScopeError(f"must have the id of the {scope.type}")


def checked_channels(names: Sequence[str]) -> tuple[str, ...]:
    """Return the channels of a rule as they are stored, each once.

    Raises:
        InvalidRuleChannelsError: a name is neither ``in_app`` nor an id.
    """
    checked: dict[str, None] = {}
    for name in names:
        if name == e.IN_APP_CHANNEL:
            checked[name] = None
            continue
        try:
            checked[str(UUID(name))] = None
        except ValueError:
            reason = f'must be "{e.IN_APP_CHANNEL}" or ids of channels'
            raise InvalidRuleChannelsError(reason) from None
    return tuple(checked)


def channel_ids(names: Iterable[str]) -> list[UUID]:
    """Return the ids among the channels of a rule."""
    return [UUID(name) for name in names if name != e.IN_APP_CHANNEL]


def evolve(rule: AlertRuleState | None, event: e.AlertRuleEvent) -> AlertRuleState:
    """Return the rule after ``event``; it never refuses."""
    if isinstance(event, e.AlertRuleMade):
        return copied(event, AlertRuleState, condition=condition_of_today(event))
    if rule is None:
        msg = "A rule's history must begin with alert_rule_made."
        raise CorruptHistoryError(msg)
    match event:
        case e.AlertRuleChanged():
            return replace(rule, **set_fields(event, DETAILS))
        case EarlierTextsForgotten():
            return replace(rule, **texts_after(event, TEXTS))
        case e.AlertRuleRemoved():
            return replace(rule, is_removed=True)
        case _:
            assert_never(event)


def rule_of(history: Sequence[Event]) -> AlertRuleState | None:
    """Return the rule of this history, None if the history is not a rule's."""
    return state_after(history, e.AlertRuleEvent, evolve)
