"""Channels: added, changed, switched off and removed, and named by alert rules."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.alert.errors import InvalidRuleChannelsError
from domain.alert.handlers import change_rule, make_rule
from domain.channel.decider import ChannelState, channel_of, decide, evolve
from domain.channel.errors import InvalidChannelError
from domain.channel.handlers import MOST_CHANNELS, add_channel, change_channel
from domain.errors import (
    BlankNameError,
    CorruptHistoryError,
    NotFoundError,
    StaleVersionError,
)
from tests.kit.builders import ORGANIZATION
from tests.kit.scenario import Scenario

CHANNEL, PROJECT, RULE = UUID(int=77), UUID(int=78), UUID(int=79)
OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
FIELDS: dict[str, Any] = {
    **OURS,
    "kind": "slack",
    "name": "Ops",
    "shown": "https://hooks.example/…abcd",
}
ADD, ADDED = c.AddChannel(**FIELDS), e.ChannelAdded(**FIELDS)
REMOVED = e.ChannelRemoved(**OURS)
BORN = e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC")


@pytest.fixture
def scenario() -> Scenario[ChannelState | None, c.ChannelCommand, e.ChannelEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_channel_is_added_once_and_has_a_name(scenario: Scenario):
    scenario.given().when(ADD).then(ADDED)
    scenario.given(ADDED).when(ADD).then_nothing()
    scenario.given().when(replace(ADD, name=" ")).then_refused(BlankNameError)
    scenario.given(ADDED).when(c.ChangeChannel(name="")).then_refused(BlankNameError)


def test_a_change_has_only_what_is_different_but_every_new_address(scenario: Scenario):
    off = e.ChannelChanged(**OURS, enabled=False)

    scenario.given(ADDED).when(c.ChangeChannel(name="Ops", enabled=False)).then(off)
    scenario.given(ADDED, off).when(c.ChangeChannel(enabled=False)).then_nothing()
    # Two secrets may end alike.
    scenario.given(ADDED).when(c.ChangeChannel(shown=FIELDS["shown"])).then(
        e.ChannelChanged(**OURS, shown=FIELDS["shown"], address_changed=True)
    )


def test_a_channel_for_creators_is_for_one_project_and_no_rule(scenario: Scenario):
    add = replace(ADD, kind="creator_email", shown="", project_id=PROJECT)
    fields = {**FIELDS, "kind": "creator_email", "shown": "", "project_id": PROJECT}
    added = e.ChannelAdded(**fields)

    scenario.given().when(add).then(added)
    nowhere = replace(add, project_id=None)
    scenario.given().when(nowhere).then_refused(InvalidChannelError)
    everywhere = c.ChangeChannel(project_id=None)
    scenario.given(added).when(everywhere).then_refused(InvalidChannelError)
    scenario.given(added).when(c.ChangeChannel(enabled=False)).then(
        e.ChannelChanged(**OURS, enabled=False)
    )
    rule = c.MakeAlertRule(
        **OURS,
        name="Mine",
        scope=e.AlertScope(type="org"),
        condition=e.Condition(type="creator_disabled"),
        channels=(str(CHANNEL),),
    )
    with pytest.raises(InvalidRuleChannelsError):
        run(make_rule(RULE, rule), {ORGANIZATION: [BORN], CHANNEL: [added]})


def test_a_removed_channel_is_gone(scenario: Scenario):
    scenario.given(ADDED).when(c.RemoveChannel()).then(REMOVED)
    for command in (c.RemoveChannel(), c.ChangeChannel(name="New")):
        scenario.given(ADDED, REMOVED).when(command).then_refused(NotFoundError)
        scenario.given().when(command).then_refused(NotFoundError)
    with pytest.raises(CorruptHistoryError):
        evolve(None, REMOVED)
    assert channel_of([BORN]) is None


def run(handler: Any, histories: dict[UUID, Sequence[e.Event]]) -> Any:  # noqa: ANN401
    """Return the decision of a handler over these histories."""
    needed = next(handler)
    while True:
        try:
            needed = handler.send({each: histories.get(each, []) for each in needed})
        except StopIteration as stop:
            return stop.value


def test_a_channel_needs_an_organization_with_room_and_its_project():
    (counter,) = run(add_channel(CHANNEL, ADD), {ORGANIZATION: [BORN]}).quota_counters
    assert (counter.delta, counter.maximum) == (1, MOST_CHANNELS)
    for command, history in (
        (ADD, []),
        (replace(ADD, project_id=PROJECT), [BORN]),
    ):
        with pytest.raises(NotFoundError):
            run(add_channel(CHANNEL, command), {ORGANIZATION: history})


def test_only_its_own_organization_changes_a_channel_as_it_is():
    def changing(history: Sequence[e.Event], command: Any, **terms: Any) -> Any:  # noqa: ANN401
        handler = change_channel(
            CHANNEL, command, organization_id=ORGANIZATION, **terms
        )
        return run(handler, {CHANNEL: history, ORGANIZATION: [BORN]})

    of_others = e.ChannelAdded(**{**FIELDS, "organization_id": UUID(int=9)})
    for history, command, terms, error in (
        ([], c.RemoveChannel(), {}, NotFoundError),
        ([of_others], c.RemoveChannel(), {}, NotFoundError),
        ([ADDED], c.ChangeChannel(project_id=PROJECT), {}, NotFoundError),
        ([ADDED], c.RemoveChannel(), {"expected_versions": {2}}, StaleVersionError),
    ):
        with pytest.raises(error):
            changing(history, command, **terms)
    removed = changing([ADDED], c.RemoveChannel())
    assert [counter.delta for counter in removed.quota_counters] == [-1]


def test_a_rule_names_channels_of_its_organization_alone():
    rule = c.MakeAlertRule(
        **OURS,
        name="Mine",
        scope=e.AlertScope(type="org"),
        condition=e.Condition(type="creator_disabled"),
        channels=("in_app", str(CHANNEL).upper(), str(CHANNEL)),
    )
    both: dict[UUID, Sequence[e.Event]] = {ORGANIZATION: [BORN], CHANNEL: [ADDED]}

    ((_, made),) = run(make_rule(RULE, rule), both).events

    assert made.channels == ("in_app", str(CHANNEL))
    with pytest.raises(InvalidRuleChannelsError):
        run(make_rule(RULE, replace(rule, channels=("pager",))), both)
    for gone in ([], [ADDED, REMOVED]):
        with pytest.raises(NotFoundError):
            run(make_rule(RULE, rule), both | {CHANNEL: gone})
    # A channel that was removed later does not keep the rule from being changed.
    kept = c.ChangeAlertRule(channels=(str(CHANNEL),))
    changed = run(
        change_rule(RULE, kept, organization_id=ORGANIZATION),
        {RULE: [made], CHANNEL: [ADDED, REMOVED]},
    )
    assert [event.channels for _, event in changed.events] == [(str(CHANNEL),)]
