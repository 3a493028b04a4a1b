from functools import reduce
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import (
    BlankNameError,
    CorruptHistoryError,
    InvalidTimeZoneError,
    LimitReachedError,
    NotFoundError,
)
from domain.organization.color import InvalidColorError
from domain.organization.decider import (
    ApiKeyState,
    OrganizationState,
    ProjectState,
    decide,
    evolve,
)
from domain.organization.errors import LastProjectError
from domain.organization.logo import logo_of
from domain.organization.plans import Limits
from tests.kit.builders import NOON, PROJECT
from tests.kit.pictures import JPEG, LOGO
from tests.kit.scenario import Scenario

ANOTHER_PROJECT = UUID("00000000-0000-4000-8000-000000000003")
KEY = UUID("00000000-0000-4000-8000-0000000000a1")
ANOTHER_KEY = UUID("00000000-0000-4000-8000-0000000000a2")
DIGEST = "0a" * 32

CREATE = c.CreateOrganization(name="Herd", plan="free", time_zone="Europe/Vienna")
CREATED = e.OrganizationCreated(name="Herd", plan="free", time_zone="Europe/Vienna")
CREATE_PROJECT = c.CreateProject(project_id=PROJECT, name="Spring", description="Kids")
PROJECT_CREATED = e.ProjectCreated(
    project_id=PROJECT, name="Spring", description="Kids"
)
CREATE_KEY = c.CreateApiKey(
    key_id=KEY,
    name="Reports",
    digest=DIGEST,
    hint="beef",
    scopes=("read",),
    expires_at=NOON,
)
KEY_CREATED = e.ApiKeyCreated(
    key_id=KEY,
    name="Reports",
    digest=DIGEST,
    hint="beef",
    scopes=("read",),
    expires_at=NOON,
)
KEY_REVOKED = e.ApiKeyRevoked(key_id=KEY)


@pytest.fixture
def scenario() -> Scenario[
    OrganizationState | None, c.OrganizationCommand, e.OrganizationEvent
]:
    return Scenario(decide, evolve, nothing=None)


# the organization and its plan


def test_an_organization_is_created(scenario: Scenario):
    scenario.given().when(CREATE).then(CREATED)


@pytest.mark.parametrize(
    "name",
    ("", "Vienna", "europe/vienna", "localtime", "../etc/passwd", "UTC\0", "+01:00"),
)
def test_an_organization_in_a_time_zone_that_is_none_is_refused(
    scenario: Scenario, name: str
):
    scenario.given().when(replace(CREATE, time_zone=name)).then_refused(
        InvalidTimeZoneError
    )


def test_an_organization_is_created_once(scenario: Scenario):
    scenario.given(CREATED).when(replace(CREATE, name="Flock")).then_nothing()


def test_the_plan_changes(scenario: Scenario):
    scenario.given(CREATED).when(c.ChangePlan(plan="ultra")).then(
        e.PlanChanged(old="free", new="ultra")
    )


def test_the_plan_that_it_has_already_stays(scenario: Scenario):
    scenario.given(CREATED).when(c.ChangePlan(plan="free")).then_nothing()


# keys


def test_a_key_is_created(scenario: Scenario):
    scenario.given(CREATED).when(CREATE_KEY).then(KEY_CREATED)


@pytest.mark.parametrize("maximum", (0, 1))
def test_a_key_beyond_the_plan_is_refused(scenario: Scenario, maximum: int):
    keys = (KEY_CREATED,)[:maximum]

    scenario.given(CREATED, *keys).when(
        replace(CREATE_KEY, key_id=ANOTHER_KEY),
        limits=Limits(max_api_keys_per_org=maximum),
    ).then_refused(
        LimitReachedError,
        limit_key="max_api_keys_per_org",
        current=maximum,
        maximum=maximum,
    )


def test_personal_keys_leave_room_for_those_of_the_organization(scenario: Scenario):
    people = [UUID(int=number) for number in range(0xA1, 0xA5)]
    members = [e.MemberAdded(person_id=one, role="admin") for one in people]

    def made(number: int, of: UUID | None) -> e.ApiKeyCreated:
        return replace(KEY_CREATED, key_id=UUID(int=number), person_id=of)

    def asks(of: UUID | None) -> c.CreateApiKey:
        return replace(CREATE_KEY, key_id=ANOTHER_KEY, person_id=of)

    limits = Limits(max_api_keys_per_org=8)
    two = [made(1, people[0]), made(2, people[0])]
    four = [*two, made(3, people[1]), made(4, people[2])]
    refusals = ((two, people[0], 2, 2), (four, people[3], 4, 4))
    for keys, of, current, maximum in refusals:
        scenario.given(CREATED, *members, *keys).when(
            asks(of), limits=limits
        ).then_refused(
            LimitReachedError,
            limit_key="max_api_keys_per_org",
            current=current,
            maximum=maximum,
        )
    for keys, of in ((two, people[1]), (four, None)):
        scenario.given(CREATED, *members, *keys).when(asks(of), limits=limits).then(
            replace(KEY_CREATED, key_id=ANOTHER_KEY, person_id=of)
        )
    small = Limits(max_api_keys_per_org=1)
    scenario.given(CREATED, *members).when(asks(people[0]), limits=small).then_refused(
        LimitReachedError
    )


def test_a_revoked_key_makes_room(scenario: Scenario):
    scenario.given(CREATED, KEY_CREATED, KEY_REVOKED).when(
        replace(CREATE_KEY, key_id=ANOTHER_KEY), limits=Limits(max_api_keys_per_org=1)
    ).then(replace(KEY_CREATED, key_id=ANOTHER_KEY))


def test_a_key_is_revoked(scenario: Scenario):
    scenario.given(CREATED, KEY_CREATED).when(c.RevokeApiKey(key_id=KEY)).then(
        KEY_REVOKED
    )


def test_a_key_that_is_not_there_is_not_revoked(scenario: Scenario):
    scenario.given(CREATED, KEY_CREATED).when(
        c.RevokeApiKey(key_id=ANOTHER_KEY)
    ).then_refused(NotFoundError, kind="API key")


def test_a_revoked_key_is_not_revoked_again(scenario: Scenario):
    scenario.given(CREATED, KEY_CREATED, KEY_REVOKED).when(
        c.RevokeApiKey(key_id=KEY)
    ).then_nothing()


# projects


def test_a_project_is_created(scenario: Scenario):
    scenario.given(CREATED).when(CREATE_PROJECT).then(PROJECT_CREATED)


def test_a_project_beyond_the_plan_is_refused(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        replace(CREATE_PROJECT, project_id=ANOTHER_PROJECT),
        limits=Limits(max_projects_per_org=1),
    ).then_refused(
        LimitReachedError, limit_key="max_projects_per_org", current=1, maximum=1
    )


def test_the_last_project_of_a_plan_fits(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        replace(CREATE_PROJECT, project_id=ANOTHER_PROJECT),
        limits=Limits(max_projects_per_org=2),
    ).then(replace(PROJECT_CREATED, project_id=ANOTHER_PROJECT))


def test_a_project_is_archived_and_restored_once(scenario: Scenario):
    another = replace(PROJECT_CREATED, project_id=ANOTHER_PROJECT)
    archive = c.ArchiveProject(project_id=PROJECT)
    restore = c.RestoreProject(project_id=PROJECT)
    archived = e.ProjectArchived(project_id=PROJECT)
    restored = e.ProjectRestored(project_id=PROJECT)
    both = (CREATED, PROJECT_CREATED, another)

    scenario.given(*both).when(archive).then(archived)
    scenario.given(*both, archived).when(archive).then_nothing()
    scenario.given(*both, archived).when(restore).then(restored)
    scenario.given(*both).when(restore).then_nothing()
    scenario.given(*both, archived, restored).when(archive).then(archived)


def test_one_project_stays_that_is_not_archived(scenario: Scenario):
    another = replace(PROJECT_CREATED, project_id=ANOTHER_PROJECT)
    archived = e.ProjectArchived(project_id=ANOTHER_PROJECT)
    archive = c.ArchiveProject(project_id=PROJECT)

    scenario.given(CREATED, PROJECT_CREATED).when(archive).then_refused(
        LastProjectError, code="last_project"
    )
    scenario.given(CREATED, PROJECT_CREATED, another, archived).when(
        archive
    ).then_refused(LastProjectError)
    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ArchiveProject(project_id=ANOTHER_PROJECT)
    ).then_refused(NotFoundError)


def test_archived_projects_do_not_count_for_the_limit(scenario: Scenario):
    another = replace(PROJECT_CREATED, project_id=ANOTHER_PROJECT)
    archived = e.ProjectArchived(project_id=PROJECT)
    third = UUID(int=3)
    create = replace(CREATE_PROJECT, project_id=third)
    limits = Limits(max_projects_per_org=2)

    scenario.given(CREATED, PROJECT_CREATED, another, archived).when(
        create, limits=limits
    ).then(replace(PROJECT_CREATED, project_id=third))
    scenario.given(
        CREATED,
        *(PROJECT_CREATED, another, archived),
        replace(PROJECT_CREATED, project_id=third),
    ).when(c.RestoreProject(project_id=PROJECT), limits=limits).then_refused(
        LimitReachedError
    )


def test_only_the_project_details_that_differ_change(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectDetails(project_id=PROJECT, name="Summer", description="Kids")
    ).then(e.ProjectDetailsChanged(project_id=PROJECT, name="Summer"))


def test_a_project_description_can_be_cleared(scenario: Scenario):
    requested = c.ChangeProjectDetails(project_id=PROJECT, description=None)
    cleared = e.ProjectDetailsChanged(project_id=PROJECT, description=None)

    scenario.given(CREATED, PROJECT_CREATED).when(requested).then(cleared)
    scenario.given(CREATED, PROJECT_CREATED, cleared).when(requested).then_nothing()


def test_the_client_and_the_comment_of_a_project_change(scenario: Scenario):
    requested = c.ChangeProjectDetails(project_id=PROJECT, client="Alm", comment="May")
    changed = e.ProjectDetailsChanged(project_id=PROJECT, client="Alm", comment="May")
    cleared = e.ProjectDetailsChanged(project_id=PROJECT, client=None)

    scenario.given(CREATED, PROJECT_CREATED).when(requested).then(changed)
    scenario.given(CREATED, PROJECT_CREATED, changed).when(requested).then_nothing()
    scenario.given(CREATED, PROJECT_CREATED, changed).when(
        c.ChangeProjectDetails(project_id=PROJECT, client=None)
    ).then(cleared)


def test_the_colour_of_a_project_has_the_form_of_six_digits(scenario: Scenario):
    requested = c.ChangeProjectDetails(project_id=PROJECT, color="#1D56c2")
    changed = e.ProjectDetailsChanged(project_id=PROJECT, color="#1D56c2")

    scenario.given(CREATED, PROJECT_CREATED).when(requested).then(changed)
    scenario.given(CREATED, PROJECT_CREATED, changed).when(requested).then_nothing()
    for wrong in ("", "blue", "1d56c2", "#1d56c2\n", "#1d56c", "#1d56cg"):
        scenario.given(CREATED, PROJECT_CREATED).when(
            c.ChangeProjectDetails(project_id=PROJECT, color=wrong)
        ).then_refused(InvalidColorError, field="color")


def test_a_client_without_a_visible_letter_is_refused(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectDetails(project_id=PROJECT, client=" \n")
    ).then_refused(BlankNameError, field="client")


def test_the_logo_of_a_project_is_set_replaced_and_removed(scenario: Scenario):
    first, second = logo_of(LOGO), logo_of(JPEG)
    was_set = e.ProjectLogoChanged(project_id=PROJECT, logo=first)

    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectLogo(project_id=PROJECT, logo=first)
    ).then(was_set)
    scenario.given(CREATED, PROJECT_CREATED, was_set).when(
        c.ChangeProjectLogo(project_id=PROJECT, logo=second)
    ).then(e.ProjectLogoChanged(project_id=PROJECT, logo=second))
    scenario.given(CREATED, PROJECT_CREATED, was_set).when(
        c.ChangeProjectLogo(project_id=PROJECT, logo=None)
    ).then(e.ProjectLogoChanged(project_id=PROJECT, logo=None))


def test_the_logo_that_a_project_has_already_stays(scenario: Scenario):
    logo = logo_of(LOGO)

    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectLogo(project_id=PROJECT, logo=None)
    ).then_nothing()
    scenario.given(
        CREATED,
        PROJECT_CREATED,
        e.ProjectLogoChanged(project_id=PROJECT, logo=logo),
    ).when(c.ChangeProjectLogo(project_id=PROJECT, logo=logo)).then_nothing()


def test_a_project_that_is_not_there_gets_no_logo(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectLogo(project_id=ANOTHER_PROJECT, logo=None)
    ).then_refused(NotFoundError, kind="project")


def test_a_project_that_is_not_there_does_not_change(scenario: Scenario):
    scenario.given(CREATED, PROJECT_CREATED).when(
        c.ChangeProjectDetails(project_id=ANOTHER_PROJECT, name="Summer")
    ).then_refused(NotFoundError, kind="project")


@pytest.mark.parametrize(
    "requested",
    (
        c.ChangeProjectDetails(project_id=PROJECT),
        c.ChangeProjectDetails(project_id=PROJECT, name="Spring", description="Kids"),
    ),
)
def test_project_details_that_are_so_already_stay(
    scenario: Scenario, requested: c.ChangeProjectDetails
):
    scenario.given(CREATED, PROJECT_CREATED).when(requested).then_nothing()


# nobody there, and what it is after all that


@pytest.mark.parametrize(
    "command",
    (
        c.ChangePlan(plan="ultra"),
        CREATE_KEY,
        c.RevokeApiKey(key_id=KEY),
        CREATE_PROJECT,
        c.ChangeProjectDetails(project_id=PROJECT),
    ),
    ids=lambda command: type(command).__name__,
)
def test_nothing_can_be_asked_of_an_organization_that_is_not_there(
    scenario: Scenario, command: c.OrganizationCommand
):
    scenario.given().when(command).then_refused(NotFoundError, kind="organization")


def test_an_organization_is_what_its_events_say():
    events: list[e.OrganizationEvent] = [
        CREATED,
        e.PlanChanged(old="free", new="ultra"),
        e.OrganizationSettingsChanged(name="Flock", video_stats_hours=3),
        PROJECT_CREATED,
        e.ProjectCreated(project_id=ANOTHER_PROJECT, name="Autumn"),
        e.ProjectDetailsChanged(project_id=PROJECT, name="Summer"),
        e.ProjectDetailsChanged(project_id=PROJECT, description=None),
        KEY_CREATED,
        replace(KEY_CREATED, key_id=ANOTHER_KEY, expires_at=None),
        KEY_REVOKED,
    ]

    organization = reduce(evolve, events, None)

    assert organization == OrganizationState(
        name="Flock",
        plan="ultra",
        time_zone="Europe/Vienna",
        video_stats_hours=3,
        version=3,
        projects={
            PROJECT: ProjectState(name="Summer", description=None, version=3),
            ANOTHER_PROJECT: ProjectState(name="Autumn", description=None, version=1),
        },
        keys={
            KEY: ApiKeyState(
                name="Reports", scopes=("read",), expires_at=NOON, revoked=True
            ),
            ANOTHER_KEY: ApiKeyState(
                name="Reports", scopes=("read",), expires_at=None, revoked=False
            ),
        },
    )


def test_a_history_that_does_not_begin_with_a_creation_is_corrupt():
    with pytest.raises(CorruptHistoryError, match="organization_created"):
        evolve(None, KEY_REVOKED)


# settings


def test_only_settings_that_differ_are_changed(scenario: Scenario):
    changed = e.OrganizationSettingsChanged(
        time_zone="Asia/Kathmandu", video_stats_hours=3
    )
    scenario.given(CREATED).when(
        c.ChangeOrganizationSettings(
            name="Herd",
            time_zone="Asia/Kathmandu",
            video_stats_hours=3,
            discover_videos_hours=None,
        )
    ).then(changed)
    scenario.given(CREATED, changed).when(
        c.ChangeOrganizationSettings(video_stats_hours=3)
    ).then_nothing()
    scenario.given(CREATED, changed).when(
        c.ChangeOrganizationSettings(video_stats_hours=None)
    ).then(e.OrganizationSettingsChanged(video_stats_hours=None))


def test_settings_take_no_time_zone_that_does_not_exist(scenario: Scenario):
    scenario.given(CREATED).when(
        c.ChangeOrganizationSettings(name="Flock", time_zone="Mars/Olympus")
    ).then_refused(InvalidTimeZoneError)


# who runs the installation


def test_an_organization_runs_the_installation_from_when_that_was_said(
    scenario: Scenario,
):
    runs, no_longer = (e.OperatorChanged(is_operator=is_it) for is_it in (True, False))

    scenario.given(CREATED).when(c.SetOperator(is_operator=True)).then(runs)
    scenario.given(CREATED, runs).when(c.SetOperator(is_operator=True)).then_nothing()
    scenario.given(CREATED, runs).when(c.SetOperator(is_operator=False)).then(no_longer)
    # The oldest one is an operator although nobody said so.
    scenario.given(CREATED).when(c.SetOperator(is_operator=False)).then(no_longer)
    scenario.given().when(c.SetOperator(is_operator=True)).then_refused(NotFoundError)


def test_a_person_has_a_key_as_long_as_they_are_a_member(scenario: Scenario):
    owner = e.MemberAdded(person_id=UUID(int=1), role="owner")
    member = e.MemberAdded(person_id=UUID(int=2), role="member")
    create = replace(CREATE_KEY, person_id=UUID(int=2))
    created = replace(KEY_CREATED, person_id=UUID(int=2))
    others = replace(KEY_CREATED, key_id=ANOTHER_KEY)
    remove = c.RemoveMember(person_id=UUID(int=2))
    removed = e.MemberRemoved(person_id=UUID(int=2))

    scenario.given(CREATED, owner).when(create).then_refused(NotFoundError)
    scenario.given(CREATED, owner, member).when(create).then(created)
    scenario.given(CREATED, owner, member, created, others).when(remove).then(
        removed, KEY_REVOKED
    )
    scenario.given(CREATED, owner, member, created, KEY_REVOKED).when(remove).then(
        removed
    )
    demote = c.ChangeMember(person_id=UUID(int=2), role="viewer")
    scenario.given(CREATED, owner, member, created).when(demote).then(
        e.MemberChanged(person_id=UUID(int=2), role="viewer")
    )


# names


@pytest.mark.parametrize(
    "name", ("", " ", " \t ", "\u00a0", "\u200b", " \u200b\u3000 ")
)
@pytest.mark.parametrize(
    "command",
    (
        CREATE_PROJECT,
        CREATE_KEY,
        c.ChangeOrganizationSettings(),
        c.ChangeProjectDetails(project_id=PROJECT),
    ),
    ids=lambda command: type(command).__name__,
)
def test_a_name_of_only_blanks_is_refused(
    scenario: Scenario, command: c.OrganizationCommand, name: str
):
    scenario.given(CREATED, PROJECT_CREATED).when(
        replace(command, name=name)
    ).then_refused(BlankNameError)


def test_no_organization_begins_with_a_name_of_only_blanks(scenario: Scenario):
    scenario.given().when(replace(CREATE, name=" ")).then_refused(BlankNameError)
