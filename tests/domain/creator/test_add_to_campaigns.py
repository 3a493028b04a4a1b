"""Creators of an import are put into campaigns in the append that adds them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.creator.handlers.add import Addition, Additions
from domain.creator.handlers.add_to_campaigns import add_to_campaigns
from domain.decisions import Decision, Handler, QuotaCounter
from domain.errors import LimitReachedError, NotFoundError
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import membership_stream
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
CAMPAIGN, OTHER = UUID(int=1_000), UUID(int=1_001)
ADDED = (ADA, e.CreatorRemoved(**OWN))
COUNTER = QuotaCounter(key=OTHER, delta=1, limit_key="max_creators", maximum=9)
HOME: list[e.Event] = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC"),
    e.ProjectCreated(project_id=PROJECT, name="Spring"),
]


def created(project_id: UUID = PROJECT) -> e.CampaignCreated:
    return e.CampaignCreated(**OWN, project_id=project_id, name="Spring")


def held(*creators: UUID) -> list[e.Event]:
    return [
        e.CampaignItemAdded(**OWN, item_type="creator", item_id=creator)
        for creator in creators
    ]


def put(
    *campaign_ids: UUID | None,
    of: Sequence[UUID | None] = (ADA, BERTA),
    campaign: Sequence[e.Event] = (created(),),
) -> Decision[Additions]:
    """Decide, when creators are added; None is one that was refused."""

    def adding() -> Handler[Additions]:
        yield ()
        return Decision(
            tuple(
                Addition(
                    index=index,
                    tiktok_handle="goat",
                    status="created" if creator else "failed",
                    creator_id=creator,
                )
                for index, creator in enumerate(of)
            ),
            events=[ADDED],
            guards=[ORGANIZATION],
            quota_counters=[COUNTER],
        )

    handler = add_to_campaigns(
        adding(), campaign_ids, project_id=PROJECT, plans=DEFAULT_PLANS, **OWN
    )
    given = {ORGANIZATION: HOME, CAMPAIGN: campaign, OTHER: [created()]}
    return decide_on(given, handler)


def members(decision: Decision[Additions]) -> set[tuple[UUID, UUID]]:
    """Return campaigns, each with a creator that the decision puts into it."""
    return {
        (stream, event.item_id)
        for stream, event in decision.events
        if isinstance(event, e.CampaignItemAdded)
    }


def test_each_creator_is_put_into_its_campaign_behind_what_adds_it():
    decision = put(CAMPAIGN, OTHER)

    assert decision.events[0] == ADDED
    assert members(decision) == {(CAMPAIGN, ADA), (OTHER, BERTA)}
    assert {stream for stream, _ in decision.events} == {
        *(ADA, CAMPAIGN, OTHER),
        *(membership_stream(ADA), membership_stream(BERTA)),
    }
    assert decision.guards == [ORGANIZATION]
    assert decision.quota_counters == [COUNTER]


def test_without_campaigns_nothing_more_is_decided():
    assert put(None, None).events == [ADDED]


def test_who_was_refused_is_put_nowhere():
    assert members(put(CAMPAIGN, CAMPAIGN, of=(None, BERTA))) == {(CAMPAIGN, BERTA)}


def test_who_comes_back_and_is_in_the_campaign_stays():
    given = [created(), *held(ADA)]

    assert members(put(CAMPAIGN, CAMPAIGN, campaign=given)) == {(CAMPAIGN, BERTA)}
    assert put(CAMPAIGN, None, campaign=given).events == [ADDED]


@pytest.mark.parametrize(
    "campaign",
    ([], [created(UUID(int=99))], [created(), e.CampaignDeleted(**OWN)]),
    ids=("none", "of another project", "deleted"),
)
def test_a_campaign_that_is_not_there_adds_nobody(campaign: list[e.Event]):
    with pytest.raises(NotFoundError):
        put(CAMPAIGN, OTHER, campaign=campaign)


def test_a_campaign_without_room_adds_nobody():
    most = DEFAULT_PLANS["free"].max_campaign_items_per_campaign
    assert most is not None
    given = [created(), *held(*(UUID(int=number) for number in range(1, most)))]

    with pytest.raises(LimitReachedError):
        put(CAMPAIGN, CAMPAIGN, campaign=given)

    assert members(put(CAMPAIGN, None, campaign=given)) == {(CAMPAIGN, ADA)}
