"""Sentences for events of shared links, without the actor."""

from collections.abc import Mapping

from msgspec import UNSET

from domain.phrases import joined
from domain.share import events as e

_PERIODS: Mapping[str, str] = {
    "this_week": "this week",
    "last_week": "last week",
    "this_month": "this month",
    "last_month": "last month",
}


def sentence(event: e.ShareMade | e.ShareChanged | e.ShareRevoked) -> str:
    match event:
        case e.ShareMade(name=name, scope=scope):
            named = f' "{name}"' if name and name != "erased" else ""
            limits = [
                *(["with a password"] if event.has_password else []),
                *(["until an end"] if event.expires_at else []),
                *([f"without {joined([*event.hide])}"] if event.hide else []),
                *(["for frames on named sites"] if event.embed else []),
            ]
            made = f"Shared link{named} to a {scope} made"
            return f"{made}, {joined(limits)}," if limits else made
        case e.ShareChanged():
            changes = joined(_changes(event))
            return f"Shared link changed: {changes},"
        case e.ShareRevoked():
            return "Shared link revoked"


def _changes(event: e.ShareChanged) -> list[str]:
    changes: list[str] = []
    if event.name is not UNSET:
        changes.append(f'named "{event.name}"' if event.name else "name cleared")
    if event.rolling is not UNSET and event.rolling is not None:
        period = _PERIODS.get(event.rolling, f"{event.rolling.rstrip('d')} days")
        changes.append(f"period set to {period}")
    elif event.first_day is not UNSET or event.last_day is not UNSET:
        changes.append("days changed")
    if event.hide is not UNSET:
        changes.append(f"hides {joined([*event.hide])}" if event.hide else "shows all")
    if event.password_changed or event.has_password is not UNSET:
        removed = event.has_password is False
        changes.append(f"password {'removed' if removed else 'set'}")
    if event.expires_at is not UNSET:
        changes.append("end removed" if event.expires_at is None else "end changed")
    if event.embed is not UNSET or event.origins is not UNSET:
        changes.append("sites that may embed it changed")
    return changes
