"""Sentences for events of organizations, without the actor."""

from collections.abc import Mapping

from msgspec import UNSET

from domain.messages import Event
from domain.organization import events as e
from domain.phrases import counted, joined

_SCRAPES: Mapping[str, str] = {
    "creator_profiles_hours": "profiles",
    "discover_videos_hours": "new videos",
    "video_stats_hours": "video figures",
}


def sentence(event: Event, *, item: str) -> str:
    """Return the sentence of an event, without its actor.

    ``item`` names the key, the project or the person that the event is about, as it is
    called now, and the address of an invitation as long as the reader may see it. It
    names both people of things that are handed over, as "Ben to Ada".
    """
    match event:
        case e.OrganizationCreated(name=name, plan=plan):
            limited = "" if plan == "unlimited" else f" with the plan {plan}"
            return f'Organization "{name}" created{limited}'
        case e.OrganizationSettingsChanged():
            return f"Settings changed: {joined(_settings(event))},"
        case e.PlanChanged(old=old, new=new):
            return f"Plan changed from {old} to {new}"
        case e.OperatorChanged(is_operator=is_operator):
            now = "Made" if is_operator else "No longer"
            return f"{now} the operator of the installation, as decided"
        case e.ApiKeyCreated(name=name, scopes=scopes):
            plural = "" if len(scopes) == 1 else "s"
            return f'Key "{name}" created with the scope{plural} {joined([*scopes])}'
        case e.ApiKeyRenamed(name=name):
            return f'{_capital(item)} renamed to "{name}"'
        case e.ApiKeyRevoked():
            return f"{_capital(item)} revoked"
        case e.ProjectCreated(name=name):
            return f'Project "{name}" created'
        case e.ProjectDetailsChanged():
            return f"{_capital(item)} changed: {joined(_texts(event))},"
        case e.ProjectLogoChanged(logo=logo):
            return f"Logo of {item} {'removed' if logo is None else 'changed'}"
        case e.ProjectArchived():
            return f"{_capital(item)} archived"
        case e.ProjectRestored():
            return f"{_capital(item)} restored"
        case e.MemberAdded():
            rights = joined(_rights(event))
            return f"{_capital(item)} added as {event.role}{rights and f', {rights},'}"
        case e.MemberChanged():
            role = [] if event.role is UNSET else [f"now {event.role}"]
            changes = [*role, *_rights(event, is_change=True)]
            return f"Rights of {item} changed: {joined(changes)},"
        case e.MemberRemoved():
            return f"{_capital(item)} removed"
        case e.ThingsHandedOver():
            return f"{_capital(joined(_things(event)))} handed over from {item}"
        case e.PasswordLinkMade():
            return f"Link to choose a password made for {item}"
        case e.InvitationMade():
            rights = joined(_rights(event))
            given = f"{event.role}{rights and f', {rights},'}"
            if not item:
                article = "an" if event.role in {"admin", "owner"} else "a"
                return f"Invitation of {article} {given} made"
            return f"{item} invited as {given}"
        case e.InvitationSentAgain():
            return f"New link of {_invitation(item)} made"
        case e.InvitationAccepted():
            return f"{_capital(_invitation(item))} accepted"
        case e.InvitationDeclined():
            return "Invitation declined"
        case e.InvitationWithdrawn():
            return "Invitation withdrawn"
        case _:
            return _capital(event.stored_name.replace("_", " "))


def sentence_of_oneself(event: Event, *, item: str) -> str:
    """Return the sentence of what a person did about their own membership."""
    match event:
        case e.MemberAdded():
            rights = joined(_rights(event))
            return f"{_capital(item)} joined as {event.role}{rights and f', {rights}'}"
        case e.MemberRemoved():
            return f"{_capital(item)} left"
        case _:
            return f"{sentence(event, item=item)} by themselves"


def _things(event: e.ThingsHandedOver) -> list[str]:
    numbers = {
        "link": len(event.share_ids),
        "view": len(event.view_ids),
        "alert rule": len(event.rule_ids),
        "report": len(event.report_ids),
    }
    return [counted(number, noun) for noun, number in numbers.items() if number]


def _invitation(address: str) -> str:
    return f"the invitation of {address}" if address else "an invitation"


def _settings(event: e.OrganizationSettingsChanged) -> list[str]:
    changes = [] if event.name is UNSET else [f'renamed to "{event.name}"']
    if event.time_zone is not UNSET:
        changes.append(f"time zone set to {event.time_zone}")
    for name, what in _SCRAPES.items():
        hours = getattr(event, name)
        if hours is not UNSET:
            often = "as often as usual" if hours is None else _every(hours)
            changes.append(f"{what} scraped {often}")
    days = event.erase_removed_after_days
    if days is not UNSET:
        when = "never" if days is None else f"{counted(days, 'day')} later"
        changes.append(f"removed creators erased {when}")
    if event.requires_second_factor is not UNSET:
        needed = "required" if event.requires_second_factor else "not required"
        changes.append(f"a second factor {needed}")
    return changes


def _every(hours: int) -> str:
    return "every hour" if hours == 1 else f"every {hours} hours"


def _texts(event: e.ProjectDetailsChanged) -> list[str]:
    changes = [] if event.name is UNSET else [f'renamed to "{event.name}"']
    texts = {
        "description": event.description,
        "client": event.client,
        "comment": event.comment,
        "colour": event.color,
    }
    return changes + [
        f"{name} {'cleared' if text is None else 'changed'}"
        for name, text in texts.items()
        if text is not UNSET
    ]


def _rights(
    event: e.MemberAdded | e.MemberChanged | e.InvitationMade,
    *,
    is_change: bool = False,
) -> list[str]:
    rights: list[str] = []
    if event.project_ids is not UNSET:
        if event.project_ids is not None:
            number = counted(len(event.project_ids), "project")
            rights.append(f"limited to {number}")
        elif is_change:
            rights.append("for all projects")
    if event.money is not UNSET and (event.money or is_change):
        rights.append(f"{'with' if event.money else 'without'} payments")
    return rights


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
