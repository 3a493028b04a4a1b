from collections.abc import Collection

import pytest

from domain import commands as c
from domain import events as e
from domain.errors import LimitReachedError, NotFoundError, StaleVersionError
from domain.organization.handlers import organizations as handlers
from domain.organization.plans import DEFAULT_PLANS
from tests.kit.builders import ADA, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

CREATED = e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC")
PROJECT_CREATED = e.ProjectCreated(project_id=PROJECT, name="Spring")
RENAMED = e.OrganizationSettingsChanged(name="More goats")
HISTORY: list[e.Event] = [CREATED, PROJECT_CREATED, RENAMED]


def change(
    command: c.OrganizationCommand,
    expected: Collection[int] | None = None,
):
    return handlers.change_organization(
        ORGANIZATION,
        command,
        plans=DEFAULT_PLANS,
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
                ),
            ],
        ),
    )

    assert decision.events == [
        (ORGANIZATION, CREATED),
        (ORGANIZATION, PROJECT_CREATED),
    ]


def test_a_command_is_held_to_the_limits_of_the_plan():
    create = c.CreateProject(project_id=ADA, name="Summer", description=None)

    with pytest.raises(LimitReachedError):
        decide_on({ORGANIZATION: HISTORY}, change(create))


@pytest.mark.parametrize(
    ("command", "expected", "refusal"),
    (
        (c.ChangePlan(plan="ultra"), [1], StaleVersionError),
        (c.ChangeProjectDetails(project_id=PROJECT, name="X"), [2], StaleVersionError),
        (c.ChangeProjectDetails(project_id=ADA, name="X"), [1], NotFoundError),
    ),
)
def test_a_change_to_another_version_is_refused(
    command: c.OrganizationCommand, expected: list[int], refusal: type[Exception]
):
    with pytest.raises(refusal):
        decide_on({ORGANIZATION: HISTORY}, change(command, expected))


def test_a_change_to_the_expected_version_is_made():
    decision = decide_on(
        {ORGANIZATION: HISTORY},
        change(c.ChangePlan(plan="ultra"), [2]),
    )

    assert decision.result == ORGANIZATION
    assert decision.events == [(ORGANIZATION, e.PlanChanged(old="free", new="ultra"))]


def test_nobody_is_changed_who_is_not_there():
    with pytest.raises(NotFoundError, match="organization"):
        decide_on({}, change(c.ChangePlan(plan="ultra")))
