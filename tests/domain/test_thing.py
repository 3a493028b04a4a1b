"""Things: their events all have an effect, and their history leads to their state."""

import pytest

from domain.thing import Thing
from domain.view import events as e
from domain.view.decider import DETAILS, ViewState
from tests.kit.builders import ORGANIZATION


def test_a_thing_with_an_event_that_has_no_effect_cannot_be_declared():
    with pytest.raises(TypeError, match="too few: EarlierTextsForgotten"):
        Thing(
            "view",
            ViewState,
            e.ViewEvent,
            made=e.ViewSaved,
            changed=e.ViewChanged,
            ended=e.ViewDeleted,
            details=DETAILS,
            ends="is_deleted",
        )


def test_the_version_of_a_thing_is_the_number_of_its_events():
    thing = Thing(
        "view",
        ViewState,
        e.ViewSaved | e.ViewChanged | e.ViewDeleted,
        made=e.ViewSaved,
        changed=e.ViewChanged,
        ended=e.ViewDeleted,
        details=DETAILS,
        ends="is_deleted",
    )
    saved = e.ViewSaved(organization_id=ORGANIZATION, list="creators", name="Best")
    changed = e.ViewChanged(organization_id=ORGANIZATION, name="Worst")
    deleted = e.ViewDeleted(organization_id=ORGANIZATION)

    state = thing.of([saved, changed, deleted])

    assert state is not None
    assert (state.version, state.name, state.is_deleted) == (3, "Worst", True)
