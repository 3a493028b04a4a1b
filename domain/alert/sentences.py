"""Sentences for events of alert rules, without the actor."""

from msgspec import UNSET

from domain.alert import events as e
from domain.phrases import joined

SentencedRuleEvent = e.AlertRuleMade | e.AlertRuleChanged | e.AlertRuleRemoved


def sentence(event: SentencedRuleEvent, *, item: str) -> str:
    """Return the sentence of an event; ``item`` is the present name of the rule."""
    match event:
        case e.AlertRuleMade(built_in=None):
            return f"Alert rule {item} made"
        case e.AlertRuleMade():
            # The first change of a rule that comes with Goatherd makes its stream.
            off = "" if event.enabled else " and switched off"
            return f"Alert rule {item} of Goatherd changed{off}"
        case e.AlertRuleChanged():
            return f"Alert rule {item} changed: {joined(_changes(event))},"
        case e.AlertRuleRemoved():
            return f"Alert rule {item} removed"


def _changes(event: e.AlertRuleChanged) -> list[str]:
    changes = [] if event.name is UNSET else [f'renamed to "{event.name}"']
    parts = {
        "scope": event.scope,
        "condition": event.condition,
        "time before an alert": event.for_minutes,
        "rest after an alert": event.cool_down_minutes,
        "channels": event.channels,
    }
    changes += [name for name, value in parts.items() if value is not UNSET]
    if event.enabled is not UNSET:
        changes.append(f"switched {'on' if event.enabled else 'off'}")
    return changes
