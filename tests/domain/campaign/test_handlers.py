from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.campaign.commands import CampaignItem as Item
from domain.campaign.decider import campaign_of
from domain.campaign.handlers import (
    campaigns,
)
from domain.campaign.handlers import (
    items as campaign_items,
)
from domain.campaign.membership import campaigns_with
from domain.decisions import Decision, Handler, QuotaCounter
from domain.errors import ItemsRefusedError, NotFoundError, StaleVersionError
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import campaigns_counter, membership_stream, video_stream
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.deciding import decide_on

OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
IN_PROJECT: dict[str, Any] = {**OWN, "project_id": PROJECT}
ELSEWHERE = UUID(int=99)
VIDEO = video_stream(PROJECT, "71")
A, B, C = (UUID(int=1_000 + number) for number in range(3))
HOME: list[e.Event] = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC"),
    e.ProjectCreated(project_id=PROJECT, name="Spring"),
]


class World:
    """Streams, to which decisions are appended as the event store does it."""

    def __init__(self) -> None:
        self.streams: dict[UUID, list[e.Event]] = {
            ORGANIZATION: list(HOME),
            ADA: [_creator()],
            BERTA: [_creator()],
            VIDEO: [
                e.VideoAdded(
                    **IN_PROJECT, tiktok_video_id="71", handle="ada", kind="video"
                )
            ],
        }

    def run(self, handler: Handler[UUID]) -> Decision[UUID]:
        decision = decide_on(self.streams, handler)
        for stream, event in decision.events:
            self.streams.setdefault(stream, []).append(event)
        return decision

    def create(self, *ids: UUID) -> None:
        for each in ids:
            self.streams[each] = [e.CampaignCreated(**IN_PROJECT, name="Spring")]

    def chain(self, *ids: UUID) -> None:
        """Create campaigns, each in the one before it."""
        self.create(*ids)
        for holder, held in pairwise(ids):
            self.add(holder, Item("campaign", held))

    def add(self, campaign_id: UUID, *items: Item) -> Decision[UUID]:
        return self.run(
            campaign_items.add_items(campaign_id, items, plans=DEFAULT_PLANS, **OWN)
        )

    def items(self, campaign_id: UUID) -> set[Item]:
        campaign = campaign_of(self.streams[campaign_id])
        assert campaign is not None
        return set(campaign.items)

    def memberships(self, item_id: UUID) -> list[UUID]:
        return campaigns_with(self.streams.get(membership_stream(item_id), ()))


def _creator(project_id: UUID = PROJECT) -> e.CreatorAdded:
    return e.CreatorAdded(
        **OWN, project_id=project_id, handle="ada", tracking_mode="auto"
    )


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, campaign_id: UUID, *items: Item) -> dict[int, str]:
    """The code of each refusal by index; nothing was decided."""
    with pytest.raises(ItemsRefusedError) as refusal:
        world.add(campaign_id, *items)
    codes = {index: error.code for index, error in refusal.value.refusals.items()}
    assert refusal.value.code == next(iter(codes.values()))
    return codes


def test_a_campaign_is_created_with_its_target_and_counted(world: World):
    decision = world.run(
        campaigns.create_campaign(
            A,
            [
                c.CreateCampaign(**IN_PROJECT, name="Spring"),
                c.ChangeCampaignTarget(target_views=5),
            ],
            plans=DEFAULT_PLANS,
            **IN_PROJECT,
        )
    )

    assert decision.events == [
        (A, e.CampaignCreated(**IN_PROJECT, name="Spring", target_scope="gained")),
        (A, e.CampaignTargetChanged(**OWN, target_views=5, target_scope="gained")),
    ]
    assert decision.quota_counters == [
        QuotaCounter(
            key=campaigns_counter(PROJECT),
            delta=1,
            limit_key="max_campaigns_per_project",
            maximum=DEFAULT_PLANS["free"].max_campaigns_per_project,
        )
    ]


def test_a_campaign_needs_a_project_of_the_organization(world: World):
    with pytest.raises(NotFoundError) as refusal:
        world.run(
            campaigns.create_campaign(
                A, [], organization_id=ORGANIZATION, project_id=SCRAPE, plans={}
            )
        )

    assert refusal.value.kind == "project"


@pytest.mark.parametrize(
    "handler",
    (
        lambda **named: campaigns.change_campaign(
            A, [c.ChangeCampaignDetails(name="New")], **named
        ),
        lambda **named: campaigns.delete_campaign(A, **named),
        lambda **named: campaign_items.add_items(
            A, [Item("creator", ADA)], plans=DEFAULT_PLANS, **named
        ),
        lambda **named: campaign_items.remove_items(
            A, [Item("creator", BERTA)], **named
        ),
    ),
)
def test_a_campaign_of_others_or_of_another_version_is_left_alone(
    world: World,
    handler: Any,  # noqa: ANN401
):
    world.create(A)
    world.add(A, Item("creator", BERTA))

    with pytest.raises(NotFoundError):
        world.run(handler(organization_id=ELSEWHERE))
    with pytest.raises(StaleVersionError):
        world.run(handler(organization_id=ORGANIZATION, expected_versions=[1]))
    assert world.run(
        handler(organization_id=ORGANIZATION, expected_versions=[2])
    ).events


def test_items_are_in_the_campaign_and_know_it(world: World):
    world.create(A)

    decision = world.add(A, Item("creator", ADA), Item("video", VIDEO))

    assert world.items(A) == {
        Item("creator", ADA),
        Item("video", VIDEO),
    }
    assert world.memberships(ADA) == world.memberships(VIDEO) == [A]
    assert decision.guards == sorted([ADA, VIDEO])
    assert world.add(A, Item("video", VIDEO), Item("creator", ADA)).events == []


def test_each_bad_item_is_named_with_its_reason_and_none_is_added(world: World):
    world.create(A, B)
    world.streams[BERTA].append(e.CreatorRemoved(**OWN))
    world.streams[VIDEO].append(e.VideoExcluded(**OWN))
    world.streams[B].append(e.CampaignDeleted(**OWN))
    world.streams[SCRAPE] = [_creator(project_id=ELSEWHERE)]
    world.streams[ELSEWHERE] = [
        e.CreatorAdded(
            organization_id=ELSEWHERE,
            project_id=PROJECT,
            handle="ada",
            tracking_mode="auto",
        )
    ]

    codes = refused(
        world,
        A,
        Item("creator", ADA),
        Item("creator", BERTA),
        Item("video", VIDEO),
        Item("campaign", B),
        Item("creator", ADA),
        Item("video", ADA),
        Item("creator", SCRAPE),
        Item("creator", ELSEWHERE),
        Item("campaign", A),
    )

    assert codes == {
        1: "item_removed",
        2: "item_removed",
        3: "item_removed",
        4: "already_member",
        5: "not_found",
        6: "other_project",
        7: "not_found",
        8: "campaign_cycle",
    }
    assert world.items(A) == set()


def test_what_is_removed_stays_an_item_and_may_be_named_again(world: World):
    world.create(A)
    world.add(A, Item("creator", ADA))
    world.streams[ADA].append(e.CreatorRemoved(**OWN))

    assert world.add(A, Item("creator", ADA)).events == []
    assert world.items(A) == {Item("creator", ADA)}


def test_a_circle_is_refused_however_long(world: World):
    world.chain(A, B, C)

    assert refused(world, A, Item("campaign", A)) == {0: "campaign_cycle"}
    assert refused(world, B, Item("campaign", A)) == {0: "campaign_cycle"}
    assert refused(world, C, Item("creator", ADA), Item("campaign", A)) == {
        1: "campaign_cycle"
    }


def test_a_campaign_may_be_reached_by_two_ways(world: World):
    world.chain(A, B, C)

    world.add(A, Item("campaign", C))

    assert world.memberships(C) == [B, A]


@pytest.mark.parametrize("above", (1, 4, 9))
def test_ten_campaigns_may_lie_in_each_other_but_not_eleven(world: World, above: int):
    ids = [UUID(int=2_000 + number) for number in range(11)]
    world.chain(*ids[:above])
    world.chain(*ids[above:])
    world.create(C)

    assert refused(world, ids[above - 1], Item("campaign", ids[above])) == {
        0: "campaign_too_deep"
    }
    assert world.add(ids[above - 1], Item("campaign", C)).events


def test_a_campaign_put_into_another_rests_on_all_above_and_below(world: World):
    world.chain(A, B)
    world.chain(C, UUID(int=7))

    decision = world.add(B, Item("campaign", C))

    assert set(decision.guards) == {
        C,
        UUID(int=7),
        membership_stream(A),
        membership_stream(B),
    }


def test_items_that_are_taken_out_do_not_know_the_campaign_any_more(world: World):
    world.create(A, B)
    world.add(A, Item("creator", ADA), Item("creator", BERTA))
    world.add(B, Item("creator", ADA))

    world.run(campaign_items.remove_items(A, [Item("creator", ADA)], **OWN))

    assert world.items(A) == {Item("creator", BERTA)}
    assert world.memberships(ADA) == [B]


def test_a_deleted_campaign_leaves_those_above_and_lets_its_items_go(world: World):
    world.chain(A, B, C)
    world.add(B, Item("creator", ADA))

    decision = world.run(campaigns.delete_campaign(B, **OWN))

    assert decision.events[0] == (
        A,
        e.CampaignItemRemoved(**OWN, item_type="campaign", item_id=B),
    )
    assert world.items(A) == set()
    for item_id in (ADA, B, C):
        assert world.memberships(item_id) == []
    assert decision.quota_counters == [
        QuotaCounter(key=campaigns_counter(PROJECT), delta=-1)
    ]
    assert not world.run(campaigns.delete_campaign(B, **OWN)).events


def test_a_deleted_campaign_that_is_in_none_is_put_into_none_meanwhile(world: World):
    world.create(A)

    assert world.run(campaigns.delete_campaign(A, **OWN)).guards == [
        membership_stream(A)
    ]


def test_what_moves_leaves_every_campaign(world: World):
    world.create(A, B)
    world.add(
        A,
        Item("creator", ADA),
        Item("creator", BERTA),
        Item("video", VIDEO),
    )
    world.add(B, Item("creator", ADA))

    def move() -> Handler[UUID]:
        exits = yield from campaign_items.leave_campaigns(
            [
                Item("creator", ADA),
                Item("video", VIDEO),
                Item("creator", SCRAPE),
            ],
            **OWN,
        )
        return Decision(ADA, events=exits.events, guards=exits.guards)

    decision = world.run(move())

    assert world.items(A) == {Item("creator", BERTA)}
    assert world.items(B) == set()
    assert world.memberships(ADA) == world.memberships(VIDEO) == []
    assert decision.guards == [membership_stream(SCRAPE)]
    assert _removed(decision.events) == [(A, ADA), (A, VIDEO), (B, ADA)]


def _removed(events: Sequence[tuple[UUID, e.Event]]) -> list[tuple[UUID, UUID]]:
    return [
        (stream, cast("e.CampaignItemRemoved", event).item_id)
        for stream, event in events
        if isinstance(event, e.CampaignItemRemoved)
    ]
