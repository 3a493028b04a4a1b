"""A creator: its state, the events that commands cause, and what they change."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, Literal, assert_never, cast
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.creator import commands as c
from domain.creator import events as e
from domain.creator.tracking_window import check_window, window_after
from domain.decisions import check_name
from domain.errors import (
    CorruptHistoryError,
    CreatorRemovedError,
    NoChangeError,
    NotFoundError,
)
from domain.messages import Event, Outcome, TrackingMode, changed_fields, set_fields
from domain.tags import read_tags

REENABLE_COOLDOWN = timedelta(hours=24)

Status = Literal["active", "disabled", "removed"]

# What people note on a creator.
DETAILS = ("display_name", "description", "readme", "metadata", "tags")


class CreatorState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a tracked account from its own stream, without scraped figures.

    ``origin_project_id`` is the project that it was added to, which its scrapes and
    the ids of its videos are of.
    """

    organization_id: UUID
    project_id: UUID
    origin_project_id: UUID
    handle: str
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    display_name: str | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}
    tags: list[str] = []
    status: Status = "active"
    disabled_reason: Outcome | None = None
    disabled_by: UUID | None = None
    reenabled_at: datetime | None = None

    @property
    def window(self) -> tuple[date | None, date | None]:
        return self.tracking_start_date, self.tracking_end_date


def decide(
    creator: CreatorState | None, command: c.CreatorCommand
) -> list[e.CreatorEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no such creator.
        CreatorRemovedError: the creator was removed, and the command needs it tracked.
        NoChangeError: the creator already has the new handle.
        InvalidWindowError: the tracking window would end before it starts.
        BlankNameError: a display name of only blanks.
        InvalidTagError: a tag is no tag, or there are too many.
    """
    if isinstance(command, c.AddCreator):
        return _add(creator, command)
    if creator is None:
        raise NotFoundError("creator")
    match command:
        case c.RenameHandle(handle=new):
            old = _tracked(creator).handle
            if new == old:
                raise NoChangeError(new)
            return [
                e.HandleChanged(
                    organization_id=creator.organization_id, old=old, new=new
                )
            ]
        case c.ChangeDetails():
            return _change_details(_tracked(creator), command)
        case c.ChangeTracking():
            return _change_tracking(_tracked(creator), command)
        case c.MoveCreator(project_id=project_id, history=history):
            old_project_id = _tracked(creator).project_id
            if project_id == old_project_id:
                return []
            return [
                e.CreatorMoved(
                    organization_id=creator.organization_id,
                    old_project_id=old_project_id,
                    new_project_id=project_id,
                    history=history,
                )
            ]
        case c.SoftDelete():
            if creator.status == "removed":
                return []
            return [e.CreatorRemoved(organization_id=creator.organization_id)]
        case c.Reactivate():
            if creator.status != "removed":
                return []
            start, end = window_after(creator.window, command)
            check_window(start, end)
            mode = command.tracking_mode
            return [
                e.CreatorReactivated(
                    organization_id=creator.organization_id,
                    tracking_mode=creator.tracking_mode if mode is UNSET else mode,
                    tracking_start_date=start,
                    tracking_end_date=end,
                )
            ]
        case c.AutoDisable(verdict=verdict, scrape_id=scrape_id):
            # The same third verdict may be delivered twice, possibly after the creator
            # was re-enabled in between. It disables the creator once.
            if creator.status != "active" or creator.disabled_by == scrape_id:
                return []
            return [
                e.CreatorAutoDisabled(
                    organization_id=creator.organization_id,
                    verdict=verdict,
                    scrape_id=scrape_id,
                )
            ]
        case c.Reenable(at=at):
            if creator.status != "disabled" or is_cooling_down(creator, at):
                return []
            return [e.CreatorReenabled(organization_id=creator.organization_id, at=at)]
        case _:
            assert_never(command)


def decide_all(
    creator: CreatorState | None, *commands: c.CreatorCommand
) -> list[e.CreatorEvent]:
    """Decide several commands as one: each sees the effect of the ones before it."""
    happened: list[e.CreatorEvent] = []
    for command in commands:
        fresh = decide(creator, command)
        creator = reduce(evolve, fresh, creator)
        happened += fresh
    return happened


def evolve(creator: CreatorState | None, event: e.CreatorEvent) -> CreatorState:
    """Return the creator after ``event``; it never refuses."""
    if isinstance(event, e.CreatorAdded):
        return CreatorState(
            organization_id=event.organization_id,
            project_id=event.project_id,
            origin_project_id=event.project_id,
            handle=event.handle,
            tracking_mode=event.tracking_mode,
            tracking_start_date=event.tracking_start_date,
            tracking_end_date=event.tracking_end_date,
            description=event.description,
            readme=event.readme,
            metadata=event.metadata,
            tags=event.tags,
        )
    known = _known(creator)
    match event:
        case e.HandleChanged(new=new):
            return replace(known, handle=new)
        case e.CreatorDetailsChanged():
            return replace(known, **set_fields(event, DETAILS))
        case e.TrackingModeChanged(new=mode):
            return replace(known, tracking_mode=mode)
        case e.TrackingWindowChanged():
            return replace(
                known,
                tracking_start_date=event.tracking_start_date,
                tracking_end_date=event.tracking_end_date,
            )
        case e.CreatorMoved(new_project_id=project_id):
            return replace(known, project_id=project_id)
        case e.CreatorRemoved():
            return replace(known, status="removed", disabled_reason=None)
        case e.CreatorReactivated():
            return replace(
                known,
                status="active",
                tracking_mode=event.tracking_mode,
                tracking_start_date=event.tracking_start_date,
                tracking_end_date=event.tracking_end_date,
            )
        case e.CreatorAutoDisabled(verdict=verdict, scrape_id=scrape_id):
            return replace(
                known,
                status="disabled",
                disabled_reason=verdict,
                disabled_by=scrape_id,
            )
        case e.CreatorReenabled(at=at):
            return replace(
                known, status="active", disabled_reason=None, reenabled_at=at
            )
        case _:
            assert_never(event)


def creator_of(history: Sequence[Event]) -> CreatorState | None:
    """Return the creator of this history, None if the history is not a creator's."""
    if not history or not isinstance(history[0], e.CreatorEvent):
        return None
    events = cast("Sequence[e.CreatorEvent]", history)
    return reduce(evolve, events, cast("CreatorState | None", None))


def is_cooling_down(creator: CreatorState, now: datetime) -> bool:
    """Tell whether the creator was re-enabled less than 24 hours ago."""
    return (
        creator.reenabled_at is not None
        and now - creator.reenabled_at < REENABLE_COOLDOWN
    )


def _add(creator: CreatorState | None, command: c.AddCreator) -> list[e.CreatorEvent]:
    if creator is not None:
        return []
    check_window(command.tracking_start_date, command.tracking_end_date)
    return [
        e.CreatorAdded(
            organization_id=command.organization_id,
            project_id=command.project_id,
            handle=command.handle,
            tracking_mode=command.tracking_mode,
            tracking_start_date=command.tracking_start_date,
            tracking_end_date=command.tracking_end_date,
            description=command.description,
            readme=command.readme,
            metadata=command.metadata,
            tags=read_tags(command.tags),
        )
    ]


def _change_details(
    creator: CreatorState, command: c.ChangeDetails
) -> list[e.CreatorEvent]:
    if command.tags is not UNSET:
        command = replace(command, tags=read_tags(command.tags))
    changed = changed_fields(command, creator, DETAILS)
    if not changed:
        return []
    if changed.get("display_name") is not None:
        check_name(changed["display_name"], field="display_name")
    return [e.CreatorDetailsChanged(organization_id=creator.organization_id, **changed)]


def _change_tracking(
    creator: CreatorState, command: c.ChangeTracking
) -> list[e.CreatorEvent]:
    happened: list[e.CreatorEvent] = []
    mode = command.tracking_mode
    if mode is not UNSET and mode != creator.tracking_mode:
        happened.append(
            e.TrackingModeChanged(
                organization_id=creator.organization_id,
                old=creator.tracking_mode,
                new=mode,
            )
        )
    start, end = window_after(creator.window, command)
    if (start, end) != creator.window:
        check_window(start, end)
        happened.append(
            e.TrackingWindowChanged(
                organization_id=creator.organization_id,
                tracking_start_date=start,
                tracking_end_date=end,
            )
        )
    return happened


def _tracked(creator: CreatorState) -> CreatorState:
    if creator.status == "removed":
        raise CreatorRemovedError
    return creator


def _known(creator: CreatorState | None) -> CreatorState:
    if creator is None:
        msg = "A creator's history must begin with creator_added."
        raise CorruptHistoryError(msg)
    return creator
