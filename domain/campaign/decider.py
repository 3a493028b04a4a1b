"""Campaigns: the state of one, the events that commands cause, and their effects."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import reduce
from itertools import groupby
from typing import Any, NamedTuple, assert_never, cast
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.campaign import commands as c
from domain.campaign import events as e
from domain.campaign.commands import CampaignItem
from domain.days import check_days
from domain.decisions import check_name
from domain.errors import (
    CorruptHistoryError,
    ItemsRefusedError,
    LimitReachedError,
    NotFoundError,
)
from domain.messages import (
    Event,
    TargetMetric,
    TargetScope,
    changed_fields,
    copied,
    set_fields,
)
from domain.money import check_price
from domain.organization.plans import NO_LIMITS, Limits
from domain.texts import texts_after

_OfItem = e.CampaignItemAdded | e.CampaignItemRemoved
_OF_ITEM = (e.CampaignItemAdded, e.CampaignItemRemoved)
# These commands change nothing in a campaign that was deleted.
_OF_DELETED = c.DeleteCampaign | c.ReportTarget

# The fields of a campaign that people describe it with.
DETAILS = (
    *("name", "description", "readme", "metadata", "starts_on", "ends_on"),
    *("cost_minor", "currency"),
)
TARGET = (
    *("target_views", "target_at", "target_scope"),
    *("target_posts", "target_engagement"),
)
TEXTS = ("name", "description", "readme", "metadata")


class ReportedTarget(NamedTuple):
    """A target whose outcome is known; ``missed_at`` is None if it was reached."""

    metric: TargetMetric
    target: int
    target_scope: TargetScope
    missed_at: datetime | None


class CampaignState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a campaign from its own stream; a deleted campaign has no items."""

    organization_id: UUID
    project_id: UUID
    name: str
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}
    starts_on: date | None = None
    ends_on: date | None = None
    target_views: int | None = None
    target_at: datetime | None = None
    target_scope: TargetScope = "lifetime"
    target_posts: int | None = None
    target_engagement: int | None = None
    cost_minor: int | None = None
    currency: str | None = None
    reported: frozenset[ReportedTarget] = frozenset()
    items: frozenset[CampaignItem] = frozenset()
    is_deleted: bool = False

    @property
    def campaigns(self) -> frozenset[UUID]:
        return frozenset(
            item.item_id for item in self.items if item.item_type == "campaign"
        )


def decide(
    campaign: CampaignState | None,
    command: c.CampaignCommand,
    *,
    limits: Limits = NO_LIMITS,
) -> list[e.CampaignEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no campaign with this id.
        ItemsRefusedError: an item that should leave the campaign is not in it.
        LimitReachedError: the plan has no room for the items.
        EndsBeforeStartError: the campaign would end before it starts.
        UnknownCurrencyError: there is no such currency.
        CurrencyMissingError: the campaign would have a cost without a currency.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
    """
    if isinstance(command, c.CreateCampaign):
        return _create(campaign, command)
    if isinstance(command, _OF_DELETED) and campaign and campaign.is_deleted:
        return []
    campaign = living(campaign)
    match command:
        case c.ChangeCampaignDetails():
            return _change_details(campaign, command)
        case c.ChangeCampaignTarget():
            changed = changed_fields(command, campaign, TARGET)
            if not changed:
                return []
            target = {name: getattr(campaign, name) for name in TARGET} | changed
            return [
                e.CampaignTargetChanged(
                    organization_id=campaign.organization_id, **target
                )
            ]
        case c.ReportTarget():
            return _report_target(campaign, command)
        case c.AddCampaignItems(items=items):
            return _add_items(campaign, items, limits)
        case c.RemoveCampaignItems(items=items):
            return _remove_items(campaign, items)
        case c.DeleteCampaign():
            return [e.CampaignDeleted(organization_id=campaign.organization_id)]
        case _:
            assert_never(command)


def evolve(campaign: CampaignState | None, event: e.CampaignEvent) -> CampaignState:
    """Return the campaign after ``event``; it never refuses."""
    if isinstance(event, e.CampaignCreated):
        return copied(event, CampaignState)
    if campaign is None:
        msg = "A campaign's history must begin with campaign_created."
        raise CorruptHistoryError(msg)
    match event:
        case e.CampaignDetailsChanged():
            return replace(campaign, **set_fields(event, DETAILS))
        case e.CampaignTargetChanged():
            return replace(campaign, **set_fields(event, TARGET))
        case e.CampaignTargetReached() | e.CampaignTargetMissed():
            return replace(campaign, reported=campaign.reported | {_reported(event)})
        case e.CampaignItemAdded() | e.CampaignItemRemoved():
            return _with_items(campaign, [event])
        case e.EarlierTextsForgotten():
            return replace(campaign, **texts_after(event, TEXTS))
        case e.CampaignDeleted():
            return replace(campaign, items=frozenset[CampaignItem](), is_deleted=True)
        case _:
            assert_never(event)


def campaign_of(history: Sequence[Event]) -> CampaignState | None:
    """Return the campaign of this history, None if the history is not a campaign's."""
    if not history or not isinstance(history[0], e.CampaignEvent):
        return None
    events = cast("Sequence[e.CampaignEvent]", history)
    campaign = None
    # Adding thousands of items one by one would copy the set as often.
    for is_item, run in groupby(events, key=lambda event: isinstance(event, _OF_ITEM)):
        if is_item and campaign is not None:
            campaign = _with_items(campaign, cast("Iterable[_OfItem]", run))
        else:
            campaign = reduce(evolve, run, campaign)
    return campaign


def living(campaign: CampaignState | None) -> CampaignState:
    """Return the campaign, which must exist.

    Raises:
        NotFoundError: there is no campaign, or it was deleted.
    """
    if campaign is None or campaign.is_deleted:
        raise NotFoundError("campaign")
    return campaign


def _create(
    campaign: CampaignState | None, command: c.CreateCampaign
) -> list[e.CampaignEvent]:
    if campaign is not None:
        return []
    check_name(command.name)
    check_days(command.starts_on, command.ends_on)
    check_price(command.cost_minor, command.currency)
    return [copied(command, e.CampaignCreated)]


def _change_details(
    campaign: CampaignState, command: c.ChangeCampaignDetails
) -> list[e.CampaignEvent]:
    changed = changed_fields(command, campaign, DETAILS)
    if not changed:
        return []
    if "name" in changed:
        check_name(changed["name"])
    starts_on, ends_on = command.starts_on, command.ends_on
    check_days(
        campaign.starts_on if starts_on is UNSET else starts_on,
        campaign.ends_on if ends_on is UNSET else ends_on,
    )
    cost, currency = command.cost_minor, command.currency
    check_price(
        campaign.cost_minor if cost is UNSET else cost,
        campaign.currency if currency is UNSET else currency,
    )
    return [
        e.CampaignDetailsChanged(organization_id=campaign.organization_id, **changed)
    ]


def _report_target(
    campaign: CampaignState, command: c.ReportTarget
) -> list[e.CampaignEvent]:
    """Return the outcome of a target: each is reached once, and missed once an end.

    A target that was changed since it was counted has no outcome yet.
    """
    target: int | None = getattr(campaign, f"target_{command.metric}")
    present = (target, campaign.target_scope, campaign.target_at)
    if present != (command.target, command.target_scope, command.target_at):
        return []
    event: e.CampaignTargetReached | e.CampaignTargetMissed
    if command.reached >= command.target:
        event = copied(
            command, e.CampaignTargetReached, organization_id=campaign.organization_id
        )
    elif command.target_at is not None:
        event = copied(
            command, e.CampaignTargetMissed, organization_id=campaign.organization_id
        )
    else:
        return []
    reported = _reported(event)
    known = {reported, reported._replace(missed_at=None)}
    return [] if known & campaign.reported else [event]


def _reported(
    event: e.CampaignTargetReached | e.CampaignTargetMissed,
) -> ReportedTarget:
    missed_at = event.target_at if isinstance(event, e.CampaignTargetMissed) else None
    return ReportedTarget(event.metric, event.target, event.target_scope, missed_at)


def _add_items(
    campaign: CampaignState, items: Iterable[CampaignItem], limits: Limits
) -> list[e.CampaignEvent]:
    added = [item for item in dict.fromkeys(items) if item not in campaign.items]
    current, maximum = len(campaign.items), limits.max_campaign_items_per_campaign
    if added and maximum is not None and current + len(added) > maximum:
        raise LimitReachedError(
            "max_campaign_items_per_campaign", current=current, maximum=maximum
        )
    return [
        e.CampaignItemAdded(
            organization_id=campaign.organization_id,
            item_type=item.item_type,
            item_id=item.item_id,
        )
        for item in added
    ]


def _remove_items(
    campaign: CampaignState, items: Iterable[CampaignItem]
) -> list[e.CampaignEvent]:
    items = list(items)
    refusals = {
        index: NotFoundError(f"{item.item_type} in this campaign")
        for index, item in enumerate(items)
        if item not in campaign.items
    }
    if refusals:
        raise ItemsRefusedError(refusals, count=len(items))
    return [
        e.CampaignItemRemoved(
            organization_id=campaign.organization_id,
            item_type=item.item_type,
            item_id=item.item_id,
        )
        for item in dict.fromkeys(items)
    ]


def _with_items(campaign: CampaignState, events: Iterable[_OfItem]) -> CampaignState:
    items = set(campaign.items)
    for event in events:
        item = CampaignItem(event.item_type, event.item_id)
        if isinstance(event, e.CampaignItemAdded):
            items.add(item)
        else:
            items.discard(item)
    return replace(campaign, items=frozenset(items))
