"""Alert rules: the state of one, and the events that commands cause."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from domain.alert import commands as c
from domain.alert import events as e
from domain.alert.built_in import condition_of_today
from domain.alert.conditions import CONDITIONS, Condition, completed
from domain.alert.errors import InvalidRuleChannelsError, InvalidScopeError
from domain.decisions import check_name
from domain.errors import NotFoundError
from domain.messages import changed_fields, copied
from domain.texts import EarlierTextsForgotten, texts_after
from domain.thing import Thing

# The fields of a rule that people can change.
DETAILS = (
    *("name", "scope", "condition", "for_minutes", "cool_down_minutes"),
    *("channels", "enabled"),
)


TEXTS = ("name",)


class AlertRuleState(e.AlertRuleFields, frozen=True, kw_only=True):
    version: int = 1
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


_RULE = Thing(
    "alert_rule",
    AlertRuleState,
    e.AlertRuleEvent,
    made=e.AlertRuleMade,
    changed=e.AlertRuleChanged,
    ended=e.AlertRuleRemoved,
    details=DETAILS,
    ends="is_removed",
    effects={EarlierTextsForgotten: lambda _, event: texts_after(event, TEXTS)},
    begin=lambda event: copied(
        event, AlertRuleState, condition=condition_of_today(event)
    ),
)
evolve, rule_of = _RULE.evolve, _RULE.of
