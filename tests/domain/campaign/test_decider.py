from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.campaign.commands import CampaignItem as Item
from domain.campaign.decider import CampaignState, campaign_of, decide, evolve
from domain.days import EndsBeforeStartError
from domain.errors import (
    BlankNameError,
    CorruptHistoryError,
    ItemsRefusedError,
    LimitReachedError,
    NotFoundError,
)
from domain.money import CurrencyMissingError, UnknownCurrencyError
from domain.organization.plans import Limits
from tests.kit.builders import ADA, BERTA, NOON, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
MAY_1, MAY_31 = date(2026, 5, 1), date(2026, 5, 31)
CREATED = e.CampaignCreated(
    **OURS,
    project_id=PROJECT,
    name="Spring",
    description="All of spring",
    readme="# Spring",
    metadata={"tier": 1},
    starts_on=MAY_1,
    ends_on=MAY_31,
    target_scope="gained",
)
CREATE = c.CreateCampaign(
    **OURS,
    project_id=PROJECT,
    name="Spring",
    description="All of spring",
    readme="# Spring",
    metadata={"tier": 1},
    starts_on=MAY_1,
    ends_on=MAY_31,
)
DELETED = e.CampaignDeleted(**OURS)
A, B = Item("creator", ADA), Item("creator", BERTA)
A_ADDED = e.CampaignItemAdded(**OURS, item_type="creator", item_id=ADA)
B_ADDED = e.CampaignItemAdded(**OURS, item_type="creator", item_id=BERTA)
A_REMOVED = e.CampaignItemRemoved(**OURS, item_type="creator", item_id=ADA)


@pytest.fixture
def scenario() -> Scenario[CampaignState | None, c.CampaignCommand, e.CampaignEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_campaign_is_created_as_asked(scenario: Scenario):
    scenario.given().when(CREATE).then(CREATED)


def test_a_campaign_that_is_there_is_not_created_again(scenario: Scenario):
    scenario.given(CREATED).when(replace(CREATE, name="Autumn")).then_nothing()


def test_a_name_of_blanks_is_refused(scenario: Scenario):
    scenario.given().when(replace(CREATE, name=" \u200b")).then_refused(
        BlankNameError, field="name"
    )
    scenario.given(CREATED).when(c.ChangeCampaignDetails(name="")).then_refused(
        BlankNameError, field="name"
    )


def test_a_campaign_may_last_one_day_but_not_end_before_it_starts(scenario: Scenario):
    one_day, upside_down = (
        replace(CREATE, ends_on=MAY_1),
        replace(CREATE, starts_on=MAY_31, ends_on=MAY_1),
    )

    scenario.given().when(one_day).then(replace(CREATED, ends_on=MAY_1))
    scenario.given().when(upside_down).then_refused(
        EndsBeforeStartError, field="ends_on"
    )
    scenario.given(CREATED).when(
        c.ChangeCampaignDetails(ends_on=date(2026, 4, 30))
    ).then_refused(EndsBeforeStartError)


def test_only_the_details_that_differ_change(scenario: Scenario):
    scenario.given(CREATED).when(
        c.ChangeCampaignDetails(
            name="Spring", description=None, metadata={"tier": True}, ends_on=None
        )
    ).then(
        e.CampaignDetailsChanged(
            **OURS, description=None, metadata={"tier": True}, ends_on=None
        )
    )


def test_details_that_are_the_same_change_nothing(scenario: Scenario):
    scenario.given(CREATED).when(
        c.ChangeCampaignDetails(name="Spring", metadata={"tier": 1}, starts_on=MAY_1)
    ).then_nothing()


def test_a_change_of_the_target_has_the_whole_target(scenario: Scenario):
    target = e.CampaignTargetChanged(
        **OURS, target_views=5, target_at=NOON, target_scope="gained"
    )

    scenario.given(CREATED).when(
        c.ChangeCampaignTarget(target_views=5, target_at=NOON)
    ).then(target)
    scenario.given(CREATED, target).when(c.ChangeCampaignTarget(target_views=6)).then(
        replace(target, target_views=6)
    )
    scenario.given(CREATED, target).when(c.ChangeCampaignTarget(target_at=None)).then(
        replace(target, target_at=None)
    )
    scenario.given(CREATED, target).when(
        c.ChangeCampaignTarget(target_scope="posts_in_days")
    ).then(replace(target, target_scope="posts_in_days"))


def test_views_posts_and_engagement_are_one_target(scenario: Scenario):
    target = e.CampaignTargetChanged(
        **OURS,
        target_views=5,
        target_scope="gained",
        target_posts=12,
        target_engagement=400,
    )
    numbers = c.ChangeCampaignTarget(
        target_views=5, target_posts=12, target_engagement=400
    )

    scenario.given(CREATED).when(numbers).then(target)
    scenario.given(CREATED, target).when(c.ChangeCampaignTarget(target_posts=13)).then(
        replace(target, target_posts=13)
    )
    scenario.given(CREATED, target).when(
        c.ChangeCampaignTarget(target_engagement=None)
    ).then(replace(target, target_engagement=None))
    scenario.given(CREATED, target).when(numbers).then_nothing()


TARGET = e.CampaignTargetChanged(
    **OURS, target_views=1_000, target_at=NOON, target_scope="gained"
)
REACHED = e.CampaignTargetReached(
    **OURS,
    metric="views",
    target=1_000,
    target_scope="gained",
    reached=1_003,
    reached_at=NOON,
)
MISSED = e.CampaignTargetMissed(
    **OURS,
    metric="views",
    target=1_000,
    target_scope="gained",
    reached=900,
    target_at=NOON,
)


def counted(reached: int, **changed: Any) -> c.ReportTarget:  # noqa: ANN401
    of: dict[str, Any] = {
        "metric": "views",
        "target": 1_000,
        "target_scope": "gained",
        "target_at": NOON,
        "reached_at": NOON,
        **changed,
    }
    return c.ReportTarget(reached=reached, **of)


def test_a_target_is_reached_once_and_missed_once_at_its_end(scenario: Scenario):
    later = NOON + timedelta(days=9)
    extended = replace(TARGET, target_at=later)

    scenario.given(CREATED, TARGET).when(counted(1_003)).then(REACHED)
    scenario.given(CREATED, TARGET).when(counted(900)).then(MISSED)
    scenario.given(CREATED, TARGET, MISSED).when(counted(901)).then_nothing()
    scenario.given(CREATED, TARGET, MISSED).when(counted(1_003)).then(REACHED)
    scenario.given(CREATED, TARGET, REACHED).when(counted(1_004)).then_nothing()
    scenario.given(CREATED, TARGET, REACHED, extended).when(
        counted(900, target_at=later)
    ).then_nothing()
    scenario.given(CREATED, TARGET, MISSED, extended).when(
        counted(950, target_at=later)
    ).then(replace(MISSED, reached=950, target_at=later))
    scenario.given(CREATED, TARGET, REACHED, replace(TARGET, target_views=2_000)).when(
        counted(2_001, target=2_000)
    ).then(replace(REACHED, target=2_000, reached=2_001))


def test_a_target_that_was_changed_since_the_count_has_no_outcome(scenario: Scenario):
    for change in (
        {"target": 999},
        {"target_scope": "lifetime"},
        {"target_at": None},
        {"metric": "posts"},
    ):
        scenario.given(CREATED, TARGET).when(counted(1_003, **change)).then_nothing()
    scenario.given(CREATED, TARGET, DELETED).when(counted(1_003)).then_nothing()
    scenario.given().when(counted(1_003)).then_refused(NotFoundError)


def test_a_target_without_an_end_is_never_missed(scenario: Scenario):
    endless = replace(TARGET, target_at=None)

    scenario.given(CREATED, endless).when(counted(900, target_at=None)).then_nothing()
    scenario.given(CREATED, endless).when(counted(1_003, target_at=None)).then(REACHED)


def test_a_cost_has_a_currency_that_exists(scenario: Scenario):
    cost = {"cost_minor": 120_000, "currency": "EUR"}
    paid = replace(CREATED, **cost)
    change = c.ChangeCampaignDetails

    scenario.given().when(replace(CREATE, **cost)).then(paid)
    scenario.given().when(replace(CREATE, cost_minor=1)).then_refused(
        CurrencyMissingError, field="currency"
    )
    scenario.given().when(replace(CREATE, currency="EUT")).then_refused(
        UnknownCurrencyError, field="currency"
    )
    scenario.given(CREATED).when(change(cost_minor=5, currency="USD")).then(
        e.CampaignDetailsChanged(**OURS, cost_minor=5, currency="USD")
    )
    scenario.given(CREATED).when(change(cost_minor=5)).then_refused(
        CurrencyMissingError
    )
    scenario.given(paid).when(change(cost_minor=0)).then(
        e.CampaignDetailsChanged(**OURS, cost_minor=0)
    )
    scenario.given(paid).when(change(currency=None)).then_refused(CurrencyMissingError)
    scenario.given(paid).when(change(cost_minor=None, currency=None)).then(
        e.CampaignDetailsChanged(**OURS, cost_minor=None, currency=None)
    )
    scenario.given(paid).when(change(**cost)).then_nothing()


def test_a_campaign_of_before_counts_all_views_until_another_scope_is_chosen(
    scenario: Scenario,
):
    created = replace(CREATED, target_scope="lifetime")
    before = e.CampaignTargetChanged(**OURS, target_views=5)

    scenario.given(created, before).when(c.ChangeCampaignTarget(target_views=6)).then(
        replace(before, target_views=6, target_scope="lifetime")
    )
    scenario.given(created, before).when(
        c.ChangeCampaignTarget(target_scope="lifetime")
    ).then_nothing()


def test_the_same_target_changes_nothing(scenario: Scenario):
    scenario.given(CREATED).when(
        c.ChangeCampaignTarget(target_views=None)
    ).then_nothing()


def test_items_that_are_not_in_it_are_added_once(scenario: Scenario):
    scenario.given(CREATED, A_ADDED).when(c.AddCampaignItems(items=(A, B))).then(
        B_ADDED
    )
    scenario.given(CREATED, A_ADDED).when(c.AddCampaignItems(items=(A,))).then_nothing()


def test_an_item_may_come_back(scenario: Scenario):
    scenario.given(CREATED, A_ADDED, A_REMOVED).when(
        c.AddCampaignItems(items=(A,))
    ).then(A_ADDED)


def test_items_beyond_the_plan_are_refused_all_together(scenario: Scenario):
    two = Limits(max_campaign_items_per_campaign=2)
    one = Limits(max_campaign_items_per_campaign=1)
    given = scenario.given(CREATED, A_ADDED)

    given.when(c.AddCampaignItems(items=(A, B)), limits=two).then(B_ADDED)
    given.when(c.AddCampaignItems(items=(A, B)), limits=one).then_refused(
        LimitReachedError,
        limit_key="max_campaign_items_per_campaign",
        current=1,
        maximum=1,
    )
    given.when(c.AddCampaignItems(items=(A,)), limits=one).then_nothing()


def test_items_are_taken_out(scenario: Scenario):
    scenario.given(CREATED, A_ADDED, B_ADDED).when(
        c.RemoveCampaignItems(items=(A, A))
    ).then(A_REMOVED)


def test_no_item_is_taken_out_if_one_of_them_is_not_in_it(scenario: Scenario):
    scenario.given(CREATED, A_ADDED).when(
        c.RemoveCampaignItems(items=(A, B, Item("video", ADA)))
    ).then_refused(ItemsRefusedError, code="not_found")

    with pytest.raises(ItemsRefusedError) as refused:
        decide(
            campaign_of([CREATED, A_ADDED]),
            c.RemoveCampaignItems(items=(A, B, Item("video", ADA))),
        )
    assert list(refused.value.refusals) == [1, 2]
    assert str(refused.value) == (
        "items/1: No such creator in this campaign. "
        "items/2: No such video in this campaign."
    )


def test_a_campaign_is_deleted_once(scenario: Scenario):
    scenario.given(CREATED, A_ADDED).when(c.DeleteCampaign()).then(DELETED)
    scenario.given(CREATED, DELETED).when(c.DeleteCampaign()).then_nothing()


@pytest.mark.parametrize(
    "command",
    (
        c.ChangeCampaignDetails(name="New"),
        c.ChangeCampaignTarget(target_views=1),
        c.AddCampaignItems(items=(A,)),
        c.RemoveCampaignItems(items=(A,)),
    ),
)
@pytest.mark.parametrize("history", ((), (CREATED, A_ADDED, DELETED)))
def test_what_is_not_there_cannot_change(
    scenario: Scenario,
    history: tuple[e.CampaignEvent, ...],
    command: c.CampaignCommand,
):
    scenario.given(*history).when(command).then_refused(NotFoundError, kind="campaign")


def test_a_campaign_that_never_was_cannot_be_deleted(scenario: Scenario):
    scenario.given().when(c.DeleteCampaign()).then_refused(NotFoundError)


def test_a_campaign_is_what_its_events_say():
    history: list[e.Event] = [
        CREATED,
        A_ADDED,
        e.CampaignTargetChanged(**OURS, target_views=5, target_at=NOON),
        B_ADDED,
        e.CampaignItemAdded(**OURS, item_type="campaign", item_id=UUID(int=1)),
        A_REMOVED,
        e.CampaignDetailsChanged(**OURS, name="May", readme=None),
    ]

    assert campaign_of(history) == CampaignState(
        **OURS,
        project_id=PROJECT,
        name="May",
        description="All of spring",
        metadata={"tier": 1},
        starts_on=MAY_1,
        ends_on=MAY_31,
        target_views=5,
        target_at=NOON,
        target_scope="gained",
        items=frozenset({B, Item("campaign", UUID(int=1))}),
    )
    deleted = campaign_of([*history, DELETED])
    assert deleted is not None
    assert (deleted.is_deleted, deleted.items) == (True, frozenset())


def test_a_history_of_something_else_is_no_campaigns():
    assert campaign_of([]) is None
    assert campaign_of([e.CreatorRemoved(**OURS)]) is None
    with pytest.raises(CorruptHistoryError):
        evolve(None, A_ADDED)
    with pytest.raises(CorruptHistoryError):
        campaign_of([A_ADDED])
