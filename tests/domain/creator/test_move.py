"""A creator moves with its claim, out of the campaigns of the old project."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.connection.errors import ConnectedElsewhereError
from domain.creator.handlers import change as handlers
from domain.creator.handlers.add import RequestedCreator, add_creators
from domain.creator.handlers.move import move_creator
from domain.errors import (
    CreatorRemovedError,
    DomainError,
    HandleTakenError,
    NotFoundError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import membership_stream
from tests.domain.creator.test_change import (
    ADDED,
    CLAIM,
    CLAIMED,
    COMMAND,
    HOME,
    RELEASED,
    REMOVED,
)
from tests.kit.builders import ADA, BERTA, NAMES, NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

ELSEWHERE = UUID("44444444-4444-4444-8444-444444444444")
THIRD = UUID("55555555-5555-4555-8555-555555555555")
SPRING = UUID("66666666-6666-4666-8666-666666666666")
VIDEO = UUID("77777777-7777-4777-8777-777777777777")
NEW_CLAIM = NAMES.claim_stream(ELSEWHERE, "ada")
PROJECTS = [
    *HOME,
    e.ProjectCreated(project_id=ELSEWHERE, name="Summer"),
    e.ProjectCreated(project_id=THIRD, name="Autumn"),
]
MOVED = e.CreatorMoved(
    organization_id=ORGANIZATION,
    old_project_id=PROJECT,
    new_project_id=ELSEWHERE,
    history="whole",
)
CLAIMED_THERE = e.HandleClaimed(
    organization_id=ORGANIZATION, project_id=ELSEWHERE, handle="ada", creator_id=ADA
)
RELEASED_THERE = e.HandleReleased(
    organization_id=ORGANIZATION, project_id=ELSEWHERE, handle="ada", creator_id=ADA
)


def given(
    creator: Sequence[e.Event] = (ADDED,), others: dict[UUID, Any] | None = None
) -> dict[UUID, Any]:
    return {
        ORGANIZATION: PROJECTS,
        ADA: creator,
        CLAIM: [CLAIMED],
        **(others or {}),
    }


def moved(
    known: dict[UUID, Any],
    to: UUID = ELSEWHERE,
    *,
    video_ids: tuple[UUID, ...] = (),
    same_account: tuple[UUID, ...] = (),
    organization_id: UUID = ORGANIZATION,
):
    handler = move_creator(
        ADA,
        c.MoveCreator(project_id=to, history="whole"),
        video_ids=video_ids,
        same_account=same_account,
        organization_id=organization_id,
        names=NAMES,
    )
    return decide_on(known, handler)


def test_a_creator_that_moves_claims_its_handle_there_and_keeps_it_at_its_origin():
    decision = moved(given())

    assert decision.result == ADA
    assert decision.events == [(ADA, MOVED), (NEW_CLAIM, CLAIMED_THERE)]
    assert set(decision.guards) == {ORGANIZATION, membership_stream(ADA)}


def test_a_creator_that_moves_on_frees_its_handle_where_it_was():
    known = given(creator=[ADDED, MOVED], others={NEW_CLAIM: [CLAIMED_THERE]})

    onward, back = moved(known, THIRD), moved(known, PROJECT)

    freed = e.HandleReleased(
        organization_id=ORGANIZATION, project_id=ELSEWHERE, handle="ada", creator_id=ADA
    )
    claimed = e.HandleClaimed(
        organization_id=ORGANIZATION, project_id=THIRD, handle="ada", creator_id=ADA
    )
    assert onward.events[1:] == [
        (NAMES.claim_stream(THIRD, "ada"), claimed),
        (NEW_CLAIM, freed),
    ]
    assert back.events[1:] == [(NEW_CLAIM, freed)]


def test_a_creator_that_moves_leaves_its_campaigns_with_its_single_videos():
    events: dict[UUID, Any] = {
        SPRING: [
            e.CampaignCreated(
                organization_id=ORGANIZATION, project_id=PROJECT, name="Spring"
            ),
        ],
    }
    items: list[tuple[e.ItemType, UUID]] = [("creator", ADA), ("video", VIDEO)]
    for item_type, item_id in items:
        item: dict[str, Any] = {
            "organization_id": ORGANIZATION, "item_type": item_type, "item_id": item_id,
        }  # fmt: skip
        events[SPRING].append(e.CampaignItemAdded(**item))
        events[membership_stream(item_id)] = [
            e.CampaignJoined(campaign_id=SPRING, **item)
        ]

    decision = moved(given(others=events), video_ids=(VIDEO,))

    left = [event for _, event in decision.events if isinstance(event, e.CampaignLeft)]
    gone = [each for stream, each in decision.events if stream == SPRING]
    assert [one.item_id for one in left] == [ADA, VIDEO]
    assert [type(one) for one in gone] == [e.CampaignItemRemoved] * 2


def test_a_move_into_its_own_project_changes_nothing():
    assert moved(given(), PROJECT).events == ()


@pytest.mark.parametrize(
    ("known", "how", "error"),
    (
        (given(creator=[ADDED, REMOVED]), {}, CreatorRemovedError),
        (given(creator=[]), {}, NotFoundError),
        (given(), {"organization_id": BERTA}, NotFoundError),
        (given(), {"to": SPRING}, NotFoundError),
        (
            given(
                others={
                    NEW_CLAIM: [
                        e.HandleClaimed(
                            organization_id=ORGANIZATION,
                            project_id=ELSEWHERE,
                            handle="ada",
                            creator_id=BERTA,
                        )
                    ]
                }
            ),
            {},
            HandleTakenError,
        ),
    ),
)
def test_a_move_is_refused(
    known: dict[UUID, Any], how: dict[str, Any], error: type[DomainError]
):
    with pytest.raises(error):
        moved(known, **how)


def connected(open_id: str = "open-ada") -> e.CreatorConnected:
    return e.CreatorConnected(
        organization_id=ORGANIZATION, provider="display", scopes=(), open_id=open_id
    )


def test_a_move_does_not_bring_two_creators_with_one_account_together():
    there = replace(ADDED, handle="berta", project_id=ELSEWHERE)
    known = given([ADDED, connected()], {BERTA: [there, connected()]})

    with pytest.raises(ConnectedElsewhereError):
        moved(known, same_account=(BERTA,))


@pytest.mark.parametrize(
    ("ada", "berta"),
    (
        ([connected()], [replace(ADDED, project_id=THIRD), connected()]),
        ([connected()], [replace(ADDED, project_id=ELSEWHERE), connected("another")]),
        ([connected()], [replace(ADDED, project_id=ELSEWHERE)]),
        ([], [replace(ADDED, project_id=ELSEWHERE), connected()]),
    ),
    ids=["in a third project", "another account", "ended there", "ended here"],
)
def test_a_creator_moves_where_nobody_is_connected_with_its_account(
    ada: list[e.Event], berta: list[e.Event]
):
    decision = moved(given([ADDED, *ada], {BERTA: berta}), same_account=(ADA, BERTA))

    assert decision.events[0] == (ADA, MOVED)
    # A creator that connects meanwhile makes the append fail.
    assert BERTA in decision.guards


def test_scrapes_of_a_moved_creator_are_of_the_project_with_the_ids_of_its_videos():
    known = given(creator=[ADDED, MOVED], others={NEW_CLAIM: [CLAIMED_THERE]})
    rename = handlers.change_creator(
        ADA,
        [c.RenameHandle(handle="lovelace")],
        organization_id=ORGANIZATION,
        command_id=COMMAND,
        names=NAMES,
    )

    decision = decide_on(known, rename)

    streams = [stream for stream, _ in decision.events]
    requested = decision.events[-1][1]
    assert isinstance(requested, e.ScrapeRequested)
    assert requested.project_id == PROJECT
    for project in (PROJECT, ELSEWHERE):
        assert NAMES.claim_stream(project, "lovelace") in streams
        assert NAMES.claim_stream(project, "ada") in streams


def added(known: dict[UUID, Any], project_id: UUID, *handles: str):
    for handle in handles:
        known |= {NAMES.ban_stream(handle): []}
        known.setdefault(NAMES.claim_stream(project_id, handle), [])
    adding = add_creators(
        [RequestedCreator(tiktok_handle=handle) for handle in handles],
        fresh_ids=[BERTA, SPRING][: len(handles)],
        organization_id=ORGANIZATION,
        project_id=project_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        command_id=COMMAND,
        names=NAMES,
    )
    return decide_on(known, adding).result


def test_who_was_moved_away_and_removed_is_not_added_again_at_its_origin():
    known = given(creator=[ADDED, MOVED, REMOVED])
    known[CLAIM] = [CLAIMED, RELEASED]

    (addition,) = added(known, PROJECT, "ada")

    assert isinstance(addition.refusal, HandleTakenError)


def test_who_moved_on_and_was_removed_is_a_new_creator_where_it_was_in_between():
    onward = e.CreatorMoved(
        organization_id=ORGANIZATION,
        old_project_id=ELSEWHERE,
        new_project_id=THIRD,
        history="whole",
    )
    known = given(creator=[ADDED, MOVED, onward, REMOVED])
    known |= {CLAIM: [CLAIMED, RELEASED], NEW_CLAIM: [CLAIMED_THERE, RELEASED_THERE]}

    (addition,) = added(known, ELSEWHERE, "ada")

    assert (addition.status, addition.creator_id) == ("created", BERTA)


def test_who_cannot_come_back_for_its_handle_at_its_origin_fails_alone():
    known = given(creator=[ADDED, MOVED, REMOVED])
    taken = replace(CLAIMED, creator_id=BERTA)
    known |= {
        CLAIM: [CLAIMED, RELEASED, taken],
        NEW_CLAIM: [CLAIMED_THERE, RELEASED_THERE],
    }

    ada, cleo = added(known, ELSEWHERE, "ada", "cleo")

    assert isinstance(ada.refusal, HandleTakenError)
    assert cleo.status == "created"
