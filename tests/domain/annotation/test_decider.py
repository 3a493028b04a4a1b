from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.annotation.decider import AnnotationState, annotation_of, decide, evolve
from domain.days import EndsBeforeStartError
from domain.errors import BlankNameError, CorruptHistoryError, NotFoundError
from tests.kit.builders import ADA, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
MAY_1, MAY_5 = date(2026, 5, 1), date(2026, 5, 5)
FIELDS: dict[str, Any] = {
    **OURS,
    "scope": "creator",
    "scope_id": ADA,
    "project_id": PROJECT,
    "starts_on": MAY_1,
    "ends_on": MAY_5,
    "text": "On holiday",
}
ADD, ADDED = c.AddAnnotation(**FIELDS), e.AnnotationAdded(**FIELDS)
DELETED = e.AnnotationDeleted(**OURS)


@pytest.fixture
def scenario() -> Scenario[
    AnnotationState | None, c.AnnotationCommand, e.AnnotationEvent
]:
    return Scenario(decide, evolve, nothing=None)


def test_a_note_is_added_as_written(scenario: Scenario):
    scenario.given().when(ADD).then(ADDED)


def test_a_note_that_is_there_is_not_added_again(scenario: Scenario):
    scenario.given(ADDED).when(replace(ADD, text="Back")).then_nothing()


def test_a_text_of_blanks_is_refused(scenario: Scenario):
    scenario.given().when(replace(ADD, text=" \u200b")).then_refused(
        BlankNameError, field="text"
    )
    scenario.given(ADDED).when(c.ChangeAnnotation(text="")).then_refused(
        BlankNameError, field="text"
    )


def test_a_note_is_about_one_day_or_more_but_does_not_end_before_it_starts(
    scenario: Scenario,
):
    upside_down = replace(ADD, starts_on=MAY_5, ends_on=MAY_1)

    scenario.given().when(replace(ADD, ends_on=MAY_1)).then(
        replace(ADDED, ends_on=MAY_1)
    )
    scenario.given().when(upside_down).then_refused(
        EndsBeforeStartError, field="ends_on"
    )


def test_only_what_differs_is_changed(scenario: Scenario):
    command = c.ChangeAnnotation(starts_on=MAY_1, ends_on=MAY_1, text="On holiday")

    scenario.given(ADDED).when(command).then(e.AnnotationChanged(**OURS, ends_on=MAY_1))
    scenario.given(ADDED).when(replace(command, ends_on=MAY_5)).then_nothing()


def test_a_change_of_one_day_is_checked_against_the_other(scenario: Scenario):
    late = c.ChangeAnnotation(starts_on=date(2026, 5, 6))

    scenario.given(ADDED).when(late).then_refused(EndsBeforeStartError, field="ends_on")
    moved = e.AnnotationChanged(**OURS, ends_on=date(2026, 5, 6))
    scenario.given(ADDED, moved).when(late).then(
        e.AnnotationChanged(**OURS, starts_on=date(2026, 5, 6))
    )


def test_a_note_is_deleted_once_and_stays_deleted(scenario: Scenario):
    scenario.given(ADDED).when(c.DeleteAnnotation()).then(DELETED)
    scenario.given(ADDED, DELETED).when(c.DeleteAnnotation()).then_nothing()
    scenario.given(ADDED, DELETED).when(c.ChangeAnnotation(text="Back")).then_refused(
        NotFoundError
    )


@pytest.mark.parametrize("command", (c.DeleteAnnotation(), c.ChangeAnnotation()))
def test_a_note_that_nobody_wrote_is_not_found(
    scenario: Scenario, command: c.AnnotationCommand
):
    scenario.given().when(command).then_refused(NotFoundError)


def test_a_history_that_begins_in_the_middle_is_corrupt():
    with pytest.raises(CorruptHistoryError):
        annotation_of([DELETED])


def test_the_history_of_something_else_is_no_note():
    created = e.CampaignCreated(**OURS, project_id=UUID(int=1), name="Spring")

    assert annotation_of([created]) is None
    assert annotation_of([]) is None
