"""Webhooks: created, changed, enabled and disabled, given a new secret, removed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import CorruptHistoryError, NotFoundError, StaleVersionError
from domain.webhook.decider import WebhookState, decide, evolve, webhook_of
from domain.webhook.handlers import MOST_WEBHOOKS, change_webhook, create_webhook
from tests.kit.builders import ORGANIZATION
from tests.kit.scenario import Scenario

WEBHOOK, PROJECT = UUID(int=77), UUID(int=78)
OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
FIELDS: dict[str, Any] = {
    **OURS,
    "url": "https://hooks.example/goats",
    "types": ("creator.added", "video.reviewed"),
    "description": "For the warehouse",
    "filters": e.WebhookFilters(tag="spring", min_milestone=50_000),
    "signatures": ("v1", "v1a"),
}
CREATE, CREATED = c.CreateWebhook(**FIELDS), e.WebhookCreated(**FIELDS)
OFF = e.WebhookDisabled(**OURS, reason="failing")
REMOVED = e.WebhookRemoved(**OURS)
BORN = e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC")


@pytest.fixture
def scenario() -> Scenario[WebhookState | None, c.WebhookCommand, e.WebhookEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_webhook_is_created_once(scenario: Scenario):
    scenario.given().when(CREATE).then(CREATED)
    scenario.given(CREATED).when(CREATE).then_nothing()


def test_a_change_of_a_webhook_has_only_what_is_different(scenario: Scenario):
    changed = e.WebhookChanged(**OURS, types=("*",), filters=None)

    scenario.given(CREATED).when(
        c.ChangeWebhook(url=FIELDS["url"], types=("*",), filters=None)
    ).then(changed)
    scenario.given(CREATED, changed).when(
        c.ChangeWebhook(types=("*",), filters=None)
    ).then_nothing()


def test_a_webhook_is_enabled_and_disabled_once(scenario: Scenario):
    scenario.given(CREATED).when(c.DisableWebhook(reason="failing")).then(OFF)
    scenario.given(CREATED, OFF).when(c.DisableWebhook()).then_nothing()
    scenario.given(CREATED).when(c.EnableWebhook()).then_nothing()
    scenario.given(CREATED, OFF).when(c.EnableWebhook(from_now=True)).then(
        e.WebhookEnabled(**OURS, from_now=True)
    )


def test_a_removed_webhook_is_gone(scenario: Scenario):
    scenario.given(CREATED).when(c.RemoveWebhook()).then(REMOVED)
    scenario.given(CREATED, REMOVED).when(c.RemoveWebhook()).then_nothing()
    for command in (c.EnableWebhook(), c.ChangeWebhook(), c.RotateWebhookSecret()):
        scenario.given(CREATED, REMOVED).when(command).then_refused(NotFoundError)
        scenario.given().when(command).then_refused(NotFoundError)


def test_each_new_secret_is_an_event_without_the_secret(scenario: Scenario):
    rotated = e.WebhookSecretRotated(**OURS)

    scenario.given(CREATED, rotated).when(c.RotateWebhookSecret()).then(rotated)


def test_each_replay_is_an_event(scenario: Scenario):
    fields: dict[str, Any] = {"first": 5, "last": 9, "types": ("creator.added",)}
    replayed = e.WebhookReplayRequested(**OURS, **fields)

    scenario.given(CREATED, replayed).when(c.ReplayToWebhook(**fields)).then(replayed)


def test_a_webhook_needs_an_organization_with_room_and_its_project():
    handler = create_webhook(WEBHOOK, CREATE)
    assert next(handler) == (WEBHOOK, ORGANIZATION)
    with pytest.raises(StopIteration) as stop:
        handler.send({WEBHOOK: [], ORGANIZATION: [BORN]})
    (counter,) = stop.value.value.quota_counters
    assert (counter.delta, counter.maximum) == (1, MOST_WEBHOOKS)

    for command, history in (
        (CREATE, []),
        (replace(CREATE, project_id=PROJECT), [BORN]),
    ):
        handler = create_webhook(WEBHOOK, command)
        next(handler)
        with pytest.raises(NotFoundError):
            handler.send({WEBHOOK: [], ORGANIZATION: history})


def test_only_its_own_organization_changes_a_webhook_as_it_is():
    def changing(history: Sequence[e.Event], **terms: Any) -> Any:  # noqa: ANN401
        handler = change_webhook(
            WEBHOOK, *terms.pop("commands"), organization_id=ORGANIZATION, **terms
        )
        next(handler)
        with pytest.raises(StopIteration) as stop:
            handler.send({WEBHOOK: history, ORGANIZATION: [BORN]})
        return stop.value.value

    moved = c.ChangeWebhook(project_id=PROJECT)
    of_others = e.WebhookCreated(**{**FIELDS, "organization_id": UUID(int=9)})
    refusals = (
        ([], {"commands": (c.EnableWebhook(),)}, NotFoundError),
        ([of_others], {"commands": (c.EnableWebhook(),)}, NotFoundError),
        ([CREATED], {"commands": (moved,)}, NotFoundError),
        (
            [CREATED, OFF],
            {"commands": (c.EnableWebhook(),), "expected_versions": {1}},
            StaleVersionError,
        ),
    )
    for history, terms, error in refusals:
        with pytest.raises(error):
            changing(history, **terms)

    removed = changing([CREATED, OFF], commands=(c.RemoveWebhook(),))
    assert [counter.delta for counter in removed.quota_counters] == [-1]
    both = changing([CREATED], commands=(moved_types(), c.DisableWebhook()))
    assert [type(event) for _, event in both.events] == [
        e.WebhookChanged,
        e.WebhookDisabled,
    ]


def moved_types() -> c.ChangeWebhook:
    return c.ChangeWebhook(types=("*",))


def test_a_history_of_something_else_is_no_webhook():
    assert webhook_of([]) is None
    assert webhook_of([BORN]) is None
    with pytest.raises(CorruptHistoryError):
        evolve(None, REMOVED)
