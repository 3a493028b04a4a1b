from functools import reduce

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator.handle_claim import UNCLAIMED, HandleClaim, decide, evolve
from domain.errors import HandleTakenError
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

CLAIM = c.ClaimHandle(
    organization_id=ORGANIZATION, project_id=PROJECT, handle="ada", creator_id=ADA
)
RELEASE = c.ReleaseHandle(
    organization_id=ORGANIZATION, project_id=PROJECT, handle="ada", creator_id=ADA
)
CLAIMED = e.HandleClaimed(
    organization_id=ORGANIZATION, project_id=PROJECT, handle="ada", creator_id=ADA
)
RELEASED = e.HandleReleased(
    organization_id=ORGANIZATION, project_id=PROJECT, handle="ada", creator_id=ADA
)


@pytest.fixture
def scenario() -> Scenario[HandleClaim, c.ClaimHandle | c.ReleaseHandle, e.ClaimEvent]:
    return Scenario(decide, evolve, nothing=UNCLAIMED)


def test_a_free_handle_is_claimed(scenario: Scenario):
    scenario.given().when(CLAIM).then(CLAIMED)


def test_a_released_handle_is_claimed_by_somebody_else(scenario: Scenario):
    scenario.given(CLAIMED, RELEASED).when(replace(CLAIM, creator_id=BERTA)).then(
        replace(CLAIMED, creator_id=BERTA)
    )


def test_a_held_handle_is_refused_to_everybody_else(scenario: Scenario):
    scenario.given(CLAIMED).when(replace(CLAIM, creator_id=BERTA)).then_refused(
        HandleTakenError
    )


def test_the_holder_need_not_claim_again(scenario: Scenario):
    scenario.given(CLAIMED).when(CLAIM).then_nothing()


def test_the_holder_releases_its_handle(scenario: Scenario):
    scenario.given(CLAIMED).when(RELEASE).then(RELEASED)


def test_nobody_releases_the_handle_of_another(scenario: Scenario):
    scenario.given(CLAIMED).when(replace(RELEASE, creator_id=BERTA)).then_nothing()


@pytest.mark.parametrize("history", ((), (CLAIMED, RELEASED)))
def test_a_free_handle_is_not_released(
    scenario: Scenario, history: tuple[e.ClaimEvent, ...]
):
    scenario.given(*history).when(RELEASE).then_nothing()


def test_who_held_a_handle_last_is_remembered():
    by_berta = replace(CLAIMED, creator_id=BERTA)
    released_by_berta = replace(RELEASED, creator_id=BERTA)

    claims = [
        reduce(evolve, events, UNCLAIMED)
        for events in (
            (CLAIMED,),
            (CLAIMED, RELEASED),
            (CLAIMED, RELEASED, by_berta),
            (CLAIMED, RELEASED, by_berta, released_by_berta),
        )
    ]

    assert claims == [
        HandleClaim(holder=ADA, last_holder=ADA),
        HandleClaim(holder=None, last_holder=ADA),
        HandleClaim(holder=BERTA, last_holder=BERTA),
        HandleClaim(holder=None, last_holder=BERTA),
    ]
