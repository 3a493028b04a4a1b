"""Rules that watch the same thing: the organization's own one speaks."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from domain.alert.conditions import Condition, ConditionType, completed
from domain.alert.events import AlertScope
from domain.alert.precedence import HoldingRule, overruled, rules_before

ORG = AlertScope(type="org")
TYPES: tuple[ConditionType, ...] = (
    *("stopped_posting", "no_post_for_days", "views_spike", "limit_near"),
)
SILENCE = {"stopped_posting", "no_post_for_days"}


class Rule(Struct, frozen=True):
    condition: Condition
    scope: AlertScope = ORG
    is_built_in: bool = False
    enabled: bool = True


def rule(
    number: int, type_: ConditionType, *subjects: str, is_built_in: bool = False
) -> HoldingRule:
    condition = completed(Condition(type=type_))
    return HoldingRule(UUID(int=number), condition, is_built_in, subjects)


def test_a_ready_rule_is_silent_where_an_own_one_holds_and_speaks_elsewhere():
    ready = rule(1, "views_spike", "ada", "bea", is_built_in=True)
    own = rule(2, "views_spike", "bea", "cleo")

    assert overruled([ready, own]) == {ready.id: {"bea"}}


def test_a_fixed_number_of_days_is_about_the_same_as_the_habit():
    ready = rule(1, "stopped_posting", "ada", "bea", is_built_in=True)
    own, other = rule(2, "no_post_for_days", "ada"), rule(3, "views_spike", "bea")

    assert overruled([ready, own, other]) == {ready.id: {"ada"}}


def test_own_rules_are_never_silent():
    first, second = rule(1, "views_spike", "ada"), rule(2, "views_spike", "ada")

    assert overruled([first, second]) == {}


RULES = st.lists(
    st.tuples(
        st.sampled_from(TYPES), st.booleans(), st.frozensets(st.sampled_from("abcd"))
    ),
    max_size=8,
)


@given(RULES)
def test_each_subject_has_the_own_alerts_or_else_the_ready_ones(
    drawn: list[tuple[ConditionType, bool, frozenset[str]]],
):
    rules = [
        rule(number, type_, *subjects, is_built_in=is_built_in)
        for number, (type_, is_built_in, subjects) in enumerate(drawn)
    ]

    silent = overruled(rules)

    for things in (SILENCE, {"views_spike"}, {"limit_near"}):
        about = [each for each in rules if each.condition.type in things]
        for subject in "abcd":
            holding = [each for each in about if subject in each.subject_keys]
            own = [each for each in holding if not each.is_built_in]
            speaking = [
                each for each in holding if subject not in silent.get(each.id, ())
            ]
            assert speaking == (own or holding)


def test_the_rules_before_a_ready_one_are_enabled_and_may_watch_the_same():
    project, other = (
        AlertScope(type="project", id=UUID(int=number)) for number in (1, 2)
    )
    creator = AlertScope(type="creator", id=UUID(int=3))
    spike, fall = (
        completed(Condition(type="views_spike")),
        completed(Condition(type="views_drop")),
    )
    ready = Rule(spike, is_built_in=True)
    narrow = Rule(spike, project, is_built_in=True)
    everywhere, here, there, one = (
        Rule(spike, scope) for scope in (ORG, project, other, creator)
    )
    rules = [
        ready,
        Rule(fall),
        Rule(spike, enabled=False),
        everywhere,
        here,
        there,
        one,
    ]

    assert rules_before(ready, rules) == [everywhere, here, there, one]
    assert rules_before(narrow, rules) == [everywhere, here, one]
    assert rules_before(everywhere, rules) == []
    assert rules_before(Rule(spike, is_built_in=True, enabled=False), rules) == []
