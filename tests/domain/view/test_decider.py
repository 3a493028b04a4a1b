"""Views of lists: saved, changed and deleted."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import BlankNameError, CorruptHistoryError, NotFoundError
from domain.view.built_in import built_in_views
from domain.view.decider import ViewState, decide, evolve, view_of
from domain.view.errors import (
    BuiltInViewError,
    InvalidViewQueryError,
    OwnerlessViewError,
    ViewOfAnotherError,
)
from domain.view.handlers import change_view
from domain.view.query import check_query, project_of
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

FIELDS: dict[str, Any] = {
    "organization_id": ORGANIZATION,
    "list": "creators",
    "name": "Best of spring",
    "query": "tag=spring&sort=new_views",
    "columns": ("new_views", "posts"),
}
SAVE, SAVED = c.SaveView(**FIELDS), e.ViewSaved(**FIELDS)
DELETED = e.ViewDeleted(organization_id=ORGANIZATION)


@pytest.fixture
def scenario() -> Scenario[ViewState | None, c.ViewCommand, e.ViewEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_view_is_saved_as_chosen_and_only_once(scenario: Scenario):
    scenario.given().when(SAVE).then(SAVED)
    scenario.given(SAVED).when(replace(SAVE, name="Other")).then_nothing()


def test_a_change_has_only_what_is_different(scenario: Scenario):
    changed = e.ViewChanged(organization_id=ORGANIZATION, name="Spring")

    scenario.given(SAVED).when(
        c.ChangeView(name="Spring", columns=("new_views", "posts"))
    ).then(changed)
    scenario.given(SAVED, changed).when(c.ChangeView(name="Spring")).then_nothing()
    scenario.given(SAVED).when(c.ChangeView(columns=())).then(
        e.ViewChanged(organization_id=ORGANIZATION, columns=())
    )


def test_a_view_gets_another_owner_unless_it_is_for_one_alone(scenario: Scenario):
    handed = e.ViewChanged(organization_id=ORGANIZATION, owner_id=ADA)
    hidden = replace(SAVED, owner_id=BERTA, is_private=True)
    command = c.HandOverView(owner_id=ADA)

    scenario.given(SAVED).when(command).then(handed)
    scenario.given(SAVED, handed).when(command).then_nothing()
    scenario.given(SAVED, DELETED).when(command).then_refused(NotFoundError)
    scenario.given(hidden).when(command).then_refused(NotFoundError)


def test_a_name_of_blanks_is_refused(scenario: Scenario):
    for given, command in (
        ((), replace(SAVE, name=" ")),
        ((SAVED,), c.ChangeView(name=" ")),
    ):
        scenario.given(*given).when(command).then_refused(BlankNameError, field="name")


def test_a_deleted_view_is_gone(scenario: Scenario):
    scenario.given(SAVED).when(c.DeleteView()).then(DELETED)
    scenario.given(SAVED, DELETED).when(c.DeleteView()).then_nothing()
    scenario.given(SAVED, DELETED).when(c.ChangeView(name="x")).then_refused(
        NotFoundError
    )
    scenario.given().when(c.DeleteView()).then_refused(NotFoundError)


def test_a_query_has_parameters_of_its_list_and_each_once(scenario: Scenario):
    for query in ("hashtag=goat", "cursor=abc", "limit=5", "sort=a&sort=b", "sort"):
        scenario.given().when(replace(SAVE, query=query)).then_refused(
            InvalidViewQueryError, field="query"
        )
        scenario.given(SAVED).when(c.ChangeView(query=query)).then_refused(
            InvalidViewQueryError, field="query"
        )
    check_query("videos", "hashtag=goat&period=last_week")
    check_query("campaigns", "")


def test_a_view_from_the_start_cannot_be_changed():
    (view_id,) = built_in_views(ORGANIZATION)
    handler = change_view(view_id, c.DeleteView(), organization_id=ORGANIZATION)

    with pytest.raises(BuiltInViewError):
        next(handler)


def test_a_view_for_one_person_needs_the_person(scenario: Scenario):
    mine = {"owner_id": ADA, "is_private": True}

    scenario.given().when(replace(SAVE, **mine)).then(replace(SAVED, **mine))
    scenario.given().when(replace(SAVE, is_private=True)).then_refused(
        OwnerlessViewError, field="for"
    )
    scenario.given(SAVED).when(
        c.ChangeView(is_private=True, is_manager=True)
    ).then_refused(OwnerlessViewError, field="for")


def test_the_view_of_one_person_is_not_there_for_others(scenario: Scenario):
    mine = replace(SAVED, owner_id=ADA, is_private=True)

    for by in (None, BERTA):
        for command in (
            c.ChangeView(by=by, name="Theirs", is_manager=True),
            c.ChangeView(by=by, is_private=False, is_manager=True),
            c.DeleteView(by=by),
        ):
            scenario.given(mine).when(command).then_refused(NotFoundError)
    scenario.given(mine).when(c.DeleteView(by=ADA)).then(DELETED)


def test_the_owner_and_managers_decide_for_whom_a_view_is(scenario: Scenario):
    ours = replace(SAVED, owner_id=ADA)
    shared = e.ViewChanged(organization_id=ORGANIZATION, is_private=False)
    kept = e.ViewChanged(organization_id=ORGANIZATION, is_private=True)

    scenario.given(ours).when(c.ChangeView(by=ADA, is_private=True)).then(kept)
    scenario.given(ours, kept).when(c.ChangeView(by=ADA, is_private=False)).then(shared)
    scenario.given(ours).when(
        c.ChangeView(by=BERTA, is_manager=True, is_private=True)
    ).then(replace(kept, owner_id=BERTA))
    for given, by in ((ours, BERTA), (ours, None), (SAVED, ADA), (SAVED, None)):
        scenario.given(given).when(c.ChangeView(by=by, is_private=True)).then_refused(
            ViewOfAnotherError
        )
        scenario.given(given).when(c.ChangeView(by=by, name="New")).then(
            e.ViewChanged(organization_id=ORGANIZATION, name="New")
        )


def test_a_view_is_about_the_project_in_its_query():
    assert project_of(f"sort=views&project_id={PROJECT}") == PROJECT
    assert project_of("sort=views") is project_of("project_id=x") is None


def test_each_organization_has_its_own_views_from_the_start_and_they_are_valid():
    other = UUID(int=7)

    assert not built_in_views(other).keys() & built_in_views(ORGANIZATION).keys()
    for view in built_in_views(ORGANIZATION).values():
        assert decide(None, view)


def test_a_history_of_something_else_is_no_view():
    assert view_of([]) is None
    assert view_of([e.CampaignDeleted(organization_id=ORGANIZATION)]) is None
    with pytest.raises(CorruptHistoryError):
        evolve(None, DELETED)
