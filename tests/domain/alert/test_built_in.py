"""The rules that come with Goatherd, and the settings of theirs that were stored."""

from uuid import UUID

import pytest

from domain.alert import events as e
from domain.alert.built_in import built_in_rules
from domain.alert.conditions import Condition
from domain.alert.rules import AlertRuleState, evolve, rule_of
from domain.messages import Event
from domain.streams import built_in_alert_rule
from tests.kit.builders import ORGANIZATION

STOPPED = Condition(type="stopped_posting")
WEEK = Condition(type="no_post_for_days", days=7)


def stored(condition: Condition, *, built_in: str | None) -> e.AlertRuleMade:
    return e.AlertRuleMade(
        organization_id=ORGANIZATION,
        built_in=built_in,
        name="Silent",
        scope=e.AlertScope(type="org"),
        condition=condition,
        channels=(str(UUID(int=7)),),
        enabled=False,
    )


def after(*events: Event) -> AlertRuleState:
    rule = rule_of(events)
    assert rule is not None
    return rule


def test_the_rule_of_stopped_posting_is_the_one_of_before():
    (rule_id,) = (
        rule_id
        for rule_id, rule in built_in_rules(ORGANIZATION).items()
        if rule.condition == STOPPED
    )

    assert rule_id == built_in_alert_rule(ORGANIZATION, "no_post_for_days")
    kinds = {rule.condition.type for rule in built_in_rules(ORGANIZATION).values()}
    assert "no_post_for_days" not in kinds


def test_a_stored_rule_keeps_its_settings_and_means_the_habit():
    rule = after(stored(WEEK, built_in="no_post_for_days"))

    assert rule.condition == STOPPED
    assert (rule.name, rule.enabled, rule.channels) == (
        *("Silent", False),
        (str(UUID(int=7)),),
    )


@pytest.mark.parametrize(
    ("condition", "built_in"),
    (
        (Condition(type="no_post_for_days", days=10), "no_post_for_days"),
        (WEEK, None),
        (Condition(type="creator_not_seen", intervals=3), "creator_not_seen"),
    ),
)
def test_a_condition_of_ones_own_stays(condition: Condition, built_in: str | None):
    assert after(stored(condition, built_in=built_in)).condition == condition


def test_days_that_somebody_chose_later_stay():
    made = stored(WEEK, built_in="no_post_for_days")

    rule = evolve(
        after(made), e.AlertRuleChanged(organization_id=ORGANIZATION, condition=WEEK)
    )

    assert rule.condition == WEEK
