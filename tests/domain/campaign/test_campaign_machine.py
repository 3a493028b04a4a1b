from functools import cache
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

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
from domain.decisions import Decision, Handler
from domain.errors import LimitReachedError
from domain.organization.plans import Limits
from domain.streams import campaigns_counter, membership_stream
from tests.kit.builders import ORGANIZATION, PROJECT
from tests.kit.deciding import Streams
from tests.kit.depth import part_of

OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
MOST_CAMPAIGNS, MOST_ITEMS, MOST_DEEP = 14, 4, 10
PLANS = {
    "herd": Limits(
        max_campaigns_per_project=MOST_CAMPAIGNS,
        max_campaign_items_per_campaign=MOST_ITEMS,
    )
}
CREATORS = [UUID(int=number) for number in (1, 2, 3)]
# Few of everything, so that chains grow long and circles are tried.
CAMPAIGNS = [UUID(int=1_000 + number) for number in range(16)]
ITEMS = st.builds(Item, st.just("campaign"), st.sampled_from(CAMPAIGNS)) | st.builds(
    Item, st.just("creator"), st.sampled_from(CREATORS)
)


class CampaignStreams(Streams):
    """The system: streams, and the counter of campaigns."""

    def __init__(self) -> None:
        super().__init__(
            {
                ORGANIZATION: [
                    e.OrganizationCreated(name="Goats", plan="herd", time_zone="UTC"),
                    e.ProjectCreated(project_id=PROJECT, name="Spring"),
                ],
                **{
                    creator_id: [
                        e.CreatorAdded(
                            **OWN,
                            project_id=PROJECT,
                            handle="ada",
                            tracking_mode="auto",
                        )
                    ]
                    for creator_id in CREATORS
                },
            }
        )
        self.count = 0

    def counted_out(self, decision: Decision[Any]) -> str | None:
        for counter in decision.quota_counters:
            assert counter.key == campaigns_counter(PROJECT)
            if counter.maximum is not None and self.count >= counter.maximum:
                return LimitReachedError.code
            self.count += counter.delta
        return None


class CampaignMachine(RuleBasedStateMachine):
    """The model: the items of each living campaign, and which creators are removed."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = CampaignStreams()
        self.model: dict[UUID, set[Item]] = {}
        self.deleted: set[UUID] = set()
        self.removed: set[UUID] = set()

    def contains(self, outer: UUID, inner: UUID) -> bool:
        return outer == inner or any(
            self.contains(item.item_id, inner)
            for item in self.model[outer]
            if item.item_type == "campaign"
        )

    def longest(self, *, extra: tuple[UUID, Item] | None = None) -> int:
        """How many campaigns the longest chain has, perhaps with one more item."""

        @cache
        def down(each: UUID) -> int:
            items = self.model[each] | (
                {extra[1]} if extra and extra[0] == each else set()
            )
            return 1 + max(
                (down(i.item_id) for i in items if i.item_type == "campaign"), default=0
            )

        return max(map(down, self.model), default=0)

    def problem(self, campaign_id: UUID, item: Item) -> str | None:
        """Why an item may not be put into a campaign."""
        if item in self.model[campaign_id]:
            return None
        if item.item_type == "creator":
            return "item_removed" if item.item_id in self.removed else None
        if item.item_id in self.deleted:
            return "item_removed"
        if item.item_id not in self.model:
            return "not_found"
        if self.contains(item.item_id, campaign_id):
            return "campaign_cycle"
        is_deep = self.longest(extra=(campaign_id, item)) > MOST_DEEP
        return "campaign_too_deep" if is_deep else None

    @rule(campaign_id=st.sampled_from(CAMPAIGNS))
    def create(self, campaign_id: UUID) -> None:
        if campaign_id in self.model or campaign_id in self.deleted:
            return

        code = self.streams.run(
            campaigns.create_campaign(
                campaign_id,
                [c.CreateCampaign(**OWN, project_id=PROJECT, name="Spring")],
                **OWN,
                project_id=PROJECT,
                plans=PLANS,
            )
        )

        is_full = len(self.model) == MOST_CAMPAIGNS
        assert code == (LimitReachedError.code if is_full else None)
        if not is_full:
            self.model[campaign_id] = set()

    @rule()
    def create_many(self) -> None:
        """So that long chains are not as rare as chance would have it."""
        for campaign_id in CAMPAIGNS:
            self.create(campaign_id)

    @rule()
    def chain_them(self) -> None:
        """Put each living campaign into the one before it, as far as that goes."""
        for outer, inner in pairwise(CAMPAIGNS):
            if outer in self.model:
                self.add(outer, [Item("campaign", inner)])

    @rule(
        campaign_id=st.sampled_from(CAMPAIGNS),
        items=st.lists(ITEMS, min_size=1, max_size=3),
    )
    def add(self, campaign_id: UUID, items: list[Item]) -> None:
        code = self.streams.run(
            campaign_items.add_items(campaign_id, items, plans=PLANS, **OWN)
        )

        if campaign_id not in self.model:
            assert code == "not_found"
            return
        problems = [
            "already_member"
            if item in items[:index]
            else self.problem(campaign_id, item)
            for index, item in enumerate(items)
        ]
        held = self.model[campaign_id]
        if any(problems):
            assert code == next(each for each in problems if each)
        elif len(held | set(items)) > MOST_ITEMS and not held >= set(items):
            assert code == LimitReachedError.code
        else:
            assert code is None
            held |= set(items)

    @rule(
        campaign_id=st.sampled_from(CAMPAIGNS),
        items=st.lists(ITEMS, min_size=1, max_size=2),
    )
    def take_out(self, campaign_id: UUID, items: list[Item]) -> None:
        code = self.streams.run(campaign_items.remove_items(campaign_id, items, **OWN))

        if campaign_id not in self.model or not self.model[campaign_id] >= set(items):
            assert code == "not_found"
            return
        assert code is None
        self.model[campaign_id] -= set(items)

    @rule(campaign_id=st.sampled_from(CAMPAIGNS))
    def delete(self, campaign_id: UUID) -> None:
        is_known = campaign_id in self.model or campaign_id in self.deleted

        code = self.streams.run(campaigns.delete_campaign(campaign_id, **OWN))

        assert code == (None if is_known else "not_found")
        if self.model.pop(campaign_id, None) is not None:
            self.deleted.add(campaign_id)
            for items in self.model.values():
                items.discard(Item("campaign", campaign_id))

    @rule(creator_id=st.sampled_from(CREATORS))
    def remove_creator(self, creator_id: UUID) -> None:
        if creator_id not in self.removed:
            self.removed.add(creator_id)
            self.streams.events[creator_id].append(e.CreatorRemoved(**OWN))

    @rule(creator_id=st.sampled_from(CREATORS))
    def move_away(self, creator_id: UUID) -> None:
        item = Item("creator", creator_id)

        def leave() -> Handler[None]:
            exits = yield from campaign_items.leave_campaigns([item], **OWN)
            return Decision(None, events=exits.events, guards=exits.guards)

        assert self.streams.run(leave()) is None
        for items in self.model.values():
            items.discard(item)

    @invariant()
    def every_campaign_holds_what_the_model_says(self) -> None:
        for campaign_id, items in self.model.items():
            campaign = campaign_of(self.streams.events[campaign_id])
            assert campaign is not None
            assert (campaign.items, campaign.is_deleted) == (items, False)
        for campaign_id in self.deleted:
            campaign = campaign_of(self.streams.events[campaign_id])
            assert campaign is not None
            assert (campaign.items, campaign.is_deleted) == (frozenset(), True)

    @invariant()
    def every_item_knows_the_campaigns_that_hold_it(self) -> None:
        for item in [
            *(Item("creator", each) for each in CREATORS),
            *(Item("campaign", each) for each in CAMPAIGNS),
        ]:
            history = self.streams.events.get(membership_stream(item.item_id), [])
            assert set(campaigns_with(history)) == {
                each for each, items in self.model.items() if item in items
            }

    @invariant()
    def no_chain_is_too_long_and_the_count_is_right(self) -> None:
        assert self.longest() <= MOST_DEEP
        assert self.streams.count == len(self.model)


TestCampaignMachine = CampaignMachine.TestCase
TestCampaignMachine.settings = settings(
    max_examples=part_of(100), stateful_step_count=40, deadline=None
)
