"""Visibility: people who are limited to some projects find nothing of the others.

A command of a limited person reads the history of a thing in another project as if it
were empty, so that it is refused as for an unknown id.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct

from domain import events as e
from domain.alert.rules import rule_of
from domain.campaign.decider import campaign_of
from domain.channel.decider import channel_of
from domain.creator.decider import creator_of
from domain.messages import Event
from domain.video.decider import video_of
from domain.view.decider import view_of


class OwnProject(Struct, frozen=True):
    """The project of a thing, or the thing ``of`` whose project is its own as well.

    Neither is set for what belongs to the whole organization. A thing with ``since``
    was made by its event with this index for the project of that time, and stays there
    when ``of`` moves.
    """

    project_id: UUID | None = None
    of: UUID | None = None
    since: int | None = None


_OF_ALL: Final = OwnProject()


def own_project(history: Sequence[Event]) -> OwnProject | None:
    """Return the project of the thing with this history.

    None stands for what is in no project, such as a handle or a ban, and what does not
    exist.
    """
    if not history:
        return None
    match history[0]:
        case e.CreatorAdded():
            creator = creator_of(history)
            return (
                None if creator is None else OwnProject(project_id=creator.project_id)
            )
        case e.CampaignCreated():
            campaign = campaign_of(history)
            return (
                None if campaign is None else OwnProject(project_id=campaign.project_id)
            )
        case e.VideoAdded() | e.VideoDiscovered():
            video = video_of(history)
            if video is None:
                return None
            return _of_creator(video.creator_id, video.project_id)
        case e.ScrapeRequested(creator_id=creator_id, project_id=project_id):
            return _of_creator(creator_id, project_id)
        case e.ViewSaved():
            view = view_of(history)
            # One for its owner alone is in no project, and there for nobody else.
            if view is None or view.is_private:
                return None
            return OwnProject(project_id=view.project_id)
        case e.AnnotationAdded(scope="org") | e.WebhookCreated():
            return _OF_ALL
        case e.SourceFailing() | e.SourceRecovered():
            return _OF_ALL
        case e.ChannelAdded():
            channel = channel_of(history)
            return None if channel is None else OwnProject(channel.project_id)
        case (
            e.ShareMade(project_id=project_id) | e.ImportFinished(project_id=project_id)
        ):
            return OwnProject(project_id=project_id)
        case e.ReportMade(scope=scope):
            return _of_scope(scope, _switched_on(history))
        case e.AlertRuleMade():
            rule = rule_of(history)
            return None if rule is None else _of_scope(rule.scope, _scoped(history))
        case (e.AlertPending() | e.AlertOpened()) as alert:
            return _of_alert(alert)
        case e.AnnotationAdded(scope="project", scope_id=project_id):
            return OwnProject(project_id=project_id)
        case e.AnnotationAdded(scope_id=scope_id):
            return OwnProject(of=scope_id)
        case _:
            return None


def _scoped(history: Sequence[Event]) -> int:
    """Return the index of the event that gave a rule its scope."""
    return max(
        index
        for index, event in enumerate(history)
        if isinstance(event, e.AlertRuleMade)
        or (isinstance(event, e.AlertRuleChanged) and event.scope is not UNSET)
    )


def _switched_on(history: Sequence[Event]) -> int:
    """Return the index of the event that made a report or switched it on last."""
    return max(
        index
        for index, event in enumerate(history)
        if isinstance(event, e.ReportMade)
        or (isinstance(event, e.ReportChanged) and event.enabled is True)
    )


def _of_scope(scope: e.AlertScope | e.ReportScope, since: int = 0) -> OwnProject:
    match scope.type:
        case "org":
            return _OF_ALL
        case "project":
            return OwnProject(project_id=scope.id)
        case _:
            return OwnProject(of=scope.id, since=since)


def _of_alert(alert: e.AlertPending | e.AlertOpened) -> OwnProject:
    if alert.creator_id is None:
        return OwnProject(project_id=alert.project_id)
    return OwnProject(of=alert.creator_id)


def _of_creator(creator_id: UUID | None, project_id: UUID) -> OwnProject:
    if creator_id is None:
        return OwnProject(project_id=project_id)
    return OwnProject(of=creator_id)


def is_move_from_elsewhere(event: Event, project_ids: Collection[UUID]) -> bool:
    """Tell whether a creator came from another project than these."""
    return isinstance(event, e.CreatorMoved) and event.old_project_id not in project_ids


def narrowed(
    history: Sequence[Event], project_ids: Collection[UUID]
) -> Sequence[Event]:
    """Return an organization's history without its other projects."""
    return [*filter(partial(_is_visible, project_ids=project_ids), history)]


def _is_visible(event: Event, *, project_ids: Collection[UUID]) -> bool:
    match event:
        case (
            e.ProjectCreated(project_id=project_id)
            | e.ProjectDetailsChanged(project_id=project_id)
            | e.ProjectLogoChanged(project_id=project_id)
            | e.ProjectArchived(project_id=project_id)
            | e.ProjectRestored(project_id=project_id)
            | e.EarlierTextsForgotten(kind="project", of=project_id)
        ):
            return project_id in project_ids
        case _:
            return True


def is_beyond(event: Event, project_ids: Collection[UUID]) -> bool:
    """Tell whether an organization's event concerns more than these projects.

    A person's own keys and their leaving do not.
    """
    match event:
        case (
            e.ProjectCreated()
            | e.ProjectArchived()
            | e.ProjectRestored()
            | e.OrganizationSettingsChanged()
            | e.PlanChanged()
            | e.OperatorChanged()
            | e.MemberAdded()
            | e.MemberChanged()
            | e.ThingsHandedOver()
        ):
            return True
        case _:
            return not _is_visible(event, project_ids=project_ids)
