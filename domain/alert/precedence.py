"""Precedence: of rules that watch the same thing, the organization's own one speaks.

A rule of one's own has the numbers, the waiting time and the channels that somebody
chose, so a rule that comes with Goatherd is silent about each subject for which it
holds, also while it waits or rests. About all other subjects the latter speaks.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from domain.alert.conditions import Condition, ConditionType
from domain.alert.events import AlertScope

# Types of condition that are about the same thing as another one.
_SAME: Final[Mapping[ConditionType, ConditionType]] = {
    "no_post_for_days": "stopped_posting",
}


class HoldingRule(Struct, frozen=True):
    """A rule that was judged, and the subjects for which its condition holds."""

    id: UUID
    condition: Condition
    is_built_in: bool
    subject_keys: Collection[str]


class ListedRule(Protocol):
    """A rule as people read it."""

    @property
    def condition(self) -> Condition: ...

    @property
    def scope(self) -> AlertScope: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def is_built_in(self) -> bool: ...


R = TypeVar("R", bound=ListedRule)


def overruled(rules: Collection[HoldingRule]) -> Mapping[UUID, Collection[str]]:
    """Return the subjects about which rules are silent, by the ids of the rules."""
    own: defaultdict[ConditionType, set[str]] = defaultdict(set)
    for rule in rules:
        if not rule.is_built_in:
            own[_thing(rule.condition)].update(rule.subject_keys)
    return {
        rule.id: own[_thing(rule.condition)].intersection(rule.subject_keys)
        for rule in rules
        if rule.is_built_in
    }


def rules_before(rule: ListedRule, rules: Iterable[R]) -> list[R]:
    """Return those of the rules that may speak instead of a rule."""
    if not rule.is_built_in or not rule.enabled:
        return []
    return [
        other
        for other in rules
        if other.enabled
        and not other.is_built_in
        and _thing(other.condition) == _thing(rule.condition)
        and _may_overlap(other.scope, rule.scope)
    ]


def _thing(condition: Condition) -> ConditionType:
    same = _SAME.get(condition.type)
    return condition.type if same is None else same


def _may_overlap(one: AlertScope, other: AlertScope) -> bool:
    """Tell whether two scopes may have a subject in common.

    A creator of one may be in the project or campaign of the other.
    """
    return "org" in {one.type, other.type} or (
        one.type != other.type or one.id == other.id
    )
