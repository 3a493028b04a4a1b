from collections.abc import Collection
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.errors import LimitReachedError, NotFoundError, StaleVersionError
from domain.handlers import organizations as handlers
from domain.organization.plans import DEFAULT_PLANS, Limits
from tests.kit.builders import ADA, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

CREATED = e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC")
PROJECT_CREATED = e.ProjectCreated(project_id=PROJECT, name="Spring")
RENAMED = e.OrganizationSettingsChanged(name="More goats")
HISTORY: list[e.Event] = [CREATED, PROJECT_CREATED, RENAMED]


def change(
    command: c.OrganizationCommand,
    expected: tuple[UUID, Collection[int]] | None = None,
):
    return handlers.change_organization(
        ORGANIZATION,
        lambda _: command,
        plans=DEFAULT_PLANS,
        result="done",
        expected_versions=expected,
    )


def test_an_organization_begins_with_several_commands_as_one():
    decision = decide_on(
        {},
        handlers.create_organization(
            ORGANIZATION,
            [
                c.CreateOrganization(name="Goats", plan="free", time_zone="UTC"),
                c.CreateProject(
                    project_id=PROJECT,
                    name="Spring",
                    description=None,
                    limits=Limits(),
                ),
            ],
        ),
    )

    assert decision.events == [
        (ORGANIZATION, CREATED),
        (ORGANIZATION, PROJECT_CREATED),
    ]


def test_a_command_gets_the_limits_of_the_plan():
    def create(limits: Limits) -> c.OrganizationCommand:
        return c.CreateProject(
            project_id=ADA, name="Summer", description=None, limits=limits
        )

    with pytest.raises(LimitReachedError):
        decide_on(
            {ORGANIZATION: HISTORY},
            handlers.change_organization(
                ORGANIZATION, create, plans=DEFAULT_PLANS, result=None
            ),
        )


@pytest.mark.parametrize(
    ("expected", "refusal"),
    (
        ((ORGANIZATION, [1]), StaleVersionError),
        ((PROJECT, [2, 3]), StaleVersionError),
        ((ADA, [1]), NotFoundError),
    ),
)
def test_a_change_to_another_version_is_refused(
    expected: tuple[UUID, list[int]], refusal: type[Exception]
):
    with pytest.raises(refusal):
        decide_on({ORGANIZATION: HISTORY}, change(c.ChangePlan(plan="ultra"), expected))


def test_a_change_to_the_expected_version_is_made():
    decision = decide_on(
        {ORGANIZATION: HISTORY},
        change(c.ChangePlan(plan="ultra"), (ORGANIZATION, [2])),
    )

    assert decision.result == "done"
    assert decision.events == [(ORGANIZATION, e.PlanChanged(old="free", new="ultra"))]


def test_nobody_is_changed_who_is_not_there():
    with pytest.raises(NotFoundError, match="organization"):
        decide_on({}, change(c.ChangePlan(plan="ultra")))
