import hashlib
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor

from domain import commands as c
from domain import events as e
from domain.errors import (
    InvalidTimeZoneError,
    LimitReachedError,
    NotFoundError,
    StaleVersionError,
)
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.organizations import make_organization
from tests.kit.builders import Home, asking, make_home
from tests.kit.commands import (
    IssuedKey,
    change_organization,
    issue_key,
)


def test_an_organization_begins_with_a_project_and_a_key(store: Store):
    made = make_organization(
        store, name="Herd", plan="free", time_zone="Europe/Vienna", context=asking()
    )

    created, project, key = store.load(made.organization_id)[made.organization_id]
    assert created.event == e.OrganizationCreated(
        name="Herd", plan="free", time_zone="Europe/Vienna"
    )
    assert project.event == e.ProjectCreated(
        project_id=made.project_id, name="First project"
    )
    assert key.event == e.ApiKeyCreated(
        key_id=made.key_id,
        name="First key",
        digest=hashlib.sha256(made.key.encode()).hexdigest(),
        hint=made.key[-4:],
        scopes=("read", "write", "admin"),
    )


def test_an_organization_in_no_time_zone_is_not_made(store: Store):
    with pytest.raises(InvalidTimeZoneError):
        make_organization(
            store, name="Herd", plan="free", time_zone="Vienna", context=asking()
        )

    assert store.head() == 0


def test_the_text_of_a_key_is_nowhere_in_the_log(store: Store, home: Home):
    keys = [_issue(home), _issue(home)]

    assert keys[0].text != keys[1].text
    with store.pool.connection() as connection:
        log = str(connection.execute("SELECT * FROM event_log").fetchall())
    for key in keys:
        assert key.text.startswith("tga_")
        assert len(key.text) == 4 + 64
        assert key.text not in log
        assert key.text[4:24] not in log
        assert hashlib.sha256(key.text.encode()).hexdigest() in log


def test_a_key_has_each_of_its_scopes_once(store: Store, home: Home):
    issued = issue_key(
        store,
        home.organization_id,
        scopes=["write", "read", "write"],
        context=asking(),
    )

    (recorded,) = issued.executed.events
    assert isinstance(recorded.event, e.ApiKeyCreated)
    assert recorded.event.scopes == ("write", "read")


def test_what_is_written_in_transaction_a_key_knows_the_key(home: Home):
    seen: list[Executed[UUID]] = []

    issued = _issue(home, seen=seen)

    assert seen == [issued.executed]


def test_no_key_is_issued_to_nobody(store: Store):
    with pytest.raises(NotFoundError, match="organization"):
        _issue(Home(store, new_id(), new_id()))

    assert store.head() == 0


def test_the_plan_decides_how_many_projects_there_are(store: Store):
    home = make_home(store, plan="free")
    before = store.head()

    with pytest.raises(LimitReachedError) as refused:
        _create_project(home)

    reported = refused.value.limit_key, refused.value.current, refused.value.maximum
    assert reported == ("max_projects_per_org", 1, 1)
    assert store.head() == before


def test_a_changed_plan_counts_at_once(store: Store):
    home = make_home(store, plan="free")

    _command(home, c.ChangePlan(plan="starter"))
    _create_project(home)
    home.add(*"abcdef")

    assert home.counted() == 6


def test_a_project_changes_only_at_the_version_that_was_seen(store: Store, home: Home):
    rename = c.ChangeProjectDetails(project_id=home.project_id, name="Summer")
    again = c.ChangeProjectDetails(project_id=home.project_id, name="Autumn")
    # Changes of the rest of the organization are no concern of the project.
    _issue(home)

    changed = _command(home, rename, expected_versions=[1])
    with pytest.raises(StaleVersionError) as stale:
        _command(home, again, expected_versions=[1])

    assert stale.value.current == 2
    assert [event.event for event in changed.events] == [
        e.ProjectDetailsChanged(project_id=home.project_id, name="Summer")
    ]
    assert (
        list(changed.history(home.organization_id))
        == store.load(home.organization_id)[home.organization_id]
    )
    assert changed.position == store.head()


def test_a_project_that_is_not_there_does_not_change(store: Store, home: Home):
    nowhere = new_id()
    change = c.ChangeProjectDetails(project_id=nowhere, name="Summer")
    before = store.head()

    with pytest.raises(NotFoundError, match="project"):
        _command(home, change)
    with pytest.raises(NotFoundError, match="project"):
        _command(home, change, expected_versions=[1])

    assert store.head() == before


def test_what_is_so_already_stores_nothing(store: Store, home: Home):
    before = store.head()

    changed = _command(home, c.ChangePlan(plan="unlimited"))

    assert (changed.events, changed.position) == ([], None)
    assert len(changed.history(home.organization_id)) == 3
    assert store.head() == before


@pytest.mark.parametrize("known", (False, True))
def test_an_organization_that_is_not_there_takes_no_command(
    store: Store, home: Home, *, known: bool
):
    # A creator has a stream, too, and is no organization.
    nobody = Home(store, home.creator("ada") if known else new_id(), home.project_id)

    with pytest.raises(NotFoundError, match="organization"):
        _command(nobody, c.ChangePlan(plan="free"))


def _command(
    home: Home,
    command: Any,  # noqa: ANN401 - any of an organization's
    *,
    expected_versions: Any = None,  # noqa: ANN401 - as there
) -> Executed[UUID]:
    return change_organization(
        home.store,
        home.organization_id,
        command,
        plans=DEFAULT_PLANS,
        context=asking(),
        expected_versions=expected_versions,
    )


def _create_project(home: Home) -> Executed[UUID]:
    return _command(
        home, c.CreateProject(project_id=new_id(), name="Another", description=None)
    )


def _issue(home: Home, *, seen: list[Executed[UUID]] | None = None) -> IssuedKey:
    def in_transaction(_: Cursor[Any], issued: Executed[UUID]) -> None:
        if seen is not None:
            seen.append(issued)

    return issue_key(
        home.store,
        home.organization_id,
        context=asking(),
        in_transaction=in_transaction,
    )
