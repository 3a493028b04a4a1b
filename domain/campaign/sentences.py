"""Sentences for events of campaigns and of their items, without the actor."""

from datetime import UTC, date
from typing import assert_never

from msgspec import UNSET

from domain.campaign import events as e
from domain.messages import TargetMetric, TargetScope
from domain.money import money
from domain.phrases import counted, joined

_OF: dict[TargetScope, str] = {
    "gained": "gained in its days",
    "posts_in_days": "of videos posted in its days",
    "lifetime": "of all time",
}


def sentence(event: e.CampaignEvent | e.MembershipEvent, *, item: str) -> str:
    """Return the sentence of an event, without its actor.

    ``item`` names the item that was added or removed, or the campaign that was joined
    or left.
    """
    match event:
        case e.CampaignCreated():
            dates = _dates(event.starts_on, event.ends_on)
            cost = ""
            if event.cost_minor is not None and event.currency is not None:
                cost = f", for {money(event.cost_minor, event.currency)}"
            return f'Created as "{event.name}"{dates}{cost}'
        case e.CampaignDetailsChanged():
            return _details(event)
        case e.CampaignTargetChanged():
            return _target(event)
        case e.CampaignTargetReached():
            return f"Target reported as reached ({_outcome(event)})"
        case e.CampaignTargetMissed():
            return f"Target reported as missed ({_outcome(event)})"
        case e.CampaignItemAdded():
            return f"{item[:1].upper()}{item[1:]} added"
        case e.CampaignItemRemoved():
            return f"{item[:1].upper()}{item[1:]} taken out"
        case e.EarlierTextsForgotten():
            return "Earlier names and notes forgotten"
        case e.CampaignDeleted():
            return "Deleted"
        case e.CampaignJoined():
            return f"Put into {item}"
        case e.CampaignLeft():
            return f"Taken out of {item}"
        case _:
            assert_never(event)


def target_in_words(
    metric: TargetMetric, target: int, scope: TargetScope, *, reached: int
) -> str:
    """Return how much of a target was reached: "900 of 1,000 views of all time"."""
    noun = "engagement" if metric == "engagement" else metric.removesuffix("s")
    of = _OF[scope]
    if metric == "posts" and scope != "lifetime":
        of = "in its days"
    return f"{reached:,} of {counted(target, noun)} {of}"


def _outcome(event: e.CampaignTargetReached | e.CampaignTargetMissed) -> str:
    return target_in_words(
        event.metric, event.target, event.target_scope, reached=event.reached
    )


def _details(event: e.CampaignDetailsChanged) -> str:
    changes = [] if event.name is UNSET else [f'renamed to "{event.name}"']
    texts = {"description": event.description, "readme": event.readme}
    days = {"first day": event.starts_on, "last day": event.ends_on}
    changes += [
        f"{name} {'cleared' if text is None else 'changed'}"
        for name, text in texts.items()
        if text is not UNSET
    ]
    if event.metadata is not UNSET:
        changes.append("metadata changed")
    changes += [
        f"{name} {'cleared' if day is None else f'set to {day}'}"
        for name, day in days.items()
        if day is not UNSET
    ]
    changes += _price(event)
    text = joined(changes)
    return text[:1].upper() + text[1:]


def _price(event: e.CampaignDetailsChanged) -> list[str]:
    # The event may have only one of the two: the other stayed as it was.
    cost, currency = event.cost_minor, event.currency
    if cost is UNSET:
        if currency is UNSET:
            return []
        return [f"currency {'cleared' if currency is None else f'set to {currency}'}"]
    if cost is None:
        return ["cost cleared"]
    if currency is UNSET or currency is None:
        return ["cost changed"]
    return [f"cost set to {money(cost, currency)}"]


def _target(event: e.CampaignTargetChanged) -> str:
    by = event.target_at
    until = (
        "" if by is None else f" until {by.astimezone(UTC).isoformat(' ', 'minutes')}"
    ).replace("+00:00", " UTC")
    numbers = {
        "view": event.target_views,
        "post": event.target_posts,
        "engagement": event.target_engagement,
    }
    targets = [
        counted(number, name) for name, number in numbers.items() if number is not None
    ]
    if not targets and event.target_scope is not UNSET:
        return f"No target is set; views {_OF[event.target_scope]} would count{until}"
    if not targets:
        return f"Target cleared, its time stays{until}" if until else "Target cleared"
    scope = "" if event.target_scope is UNSET else f" {_OF[event.target_scope]}"
    return f"Target set to {joined(targets)}{scope}{until}"


def _dates(start: date | None, end: date | None) -> str:
    begins = "" if start is None else f" from {start} on"
    return f"{begins.removesuffix(' on')} until {end}" if end else begins
