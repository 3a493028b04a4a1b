"""Creators: the state of one, the events that commands cause, and their effects."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.creator import commands as c
from domain.creator import events as e
from domain.creator.errors import CreatorErasedError
from domain.decisions import check_name, state_after
from domain.errors import (
    CorruptHistoryError,
    CreatorRemovedError,
    InvalidWindowError,
    NoChangeError,
    NotFoundError,
)
from domain.messages import (
    BY_HAND,
    ByHand,
    ConnectionEnd,
    ConnectionProvider,
    DisabledReason,
    Event,
    TrackingMode,
    changed_fields,
    copied,
    set_fields,
)
from domain.tags import read_tags

REENABLE_COOLDOWN = timedelta(hours=24)

Status = Literal["active", "disabled", "removed", "erased"]

# The fields of a creator that people describe it with.
DETAILS = ("display_name", "description", "readme", "metadata", "tags")


class ConsentedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's consent that a provider reads their account."""

    open_id: str
    scopes: tuple[str, ...]


class CreatorState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a tracked account from its own stream, without scraped figures.

    ``origin_project_id`` is the project that the creator was added to; the ids of its
    scrapes and videos are computed with it. ``duplicate_of`` is the creator that a
    scrape found to be the same account. ``connections`` are the consents in force.
    ``opted_out_at`` is the time at which the creator wished to get no more mails.
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
    disabled_reason: DisabledReason | ByHand | None = None
    disabled_by: UUID | None = None
    duplicate_of: UUID | None = None
    reenabled_at: datetime | None = None
    connections: dict[ConnectionProvider, ConsentedAccount] = {}
    opted_out_at: datetime | None = None

    @property
    def is_gone(self) -> bool:
        """Tell whether the creator was removed or erased."""
        return self.status in {"removed", "erased"}

    @property
    def window(self) -> tuple[date | None, date | None]:
        return self.tracking_start_date, self.tracking_end_date


def decide(
    creator: CreatorState | None, command: c.CreatorCommand
) -> list[e.CreatorEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no creator with this id.
        CreatorRemovedError: the creator was removed, so it can't be changed.
        CreatorErasedError: the creator was erased.
        NoChangeError: the creator already has the new handle.
        InvalidWindowError: the tracking window would end before it starts.
        BlankNameError: the display name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidTagError: a tag is not allowed, or there are too many.
    """
    if isinstance(command, c.AddCreator):
        return _add(creator, command)
    if creator is None:
        raise NotFoundError("creator")
    if creator.status == "erased":
        return _nothing_more(command)
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
        case c.ChangeContact(has_address=has_address):
            return [
                e.CreatorContactChanged(
                    organization_id=_tracked(creator).organization_id,
                    has_address=has_address,
                )
            ]
        case c.OptOutOfMails():
            # A removed creator may be brought back, and then still gets no mails.
            if creator.opted_out_at is not None:
                return []
            return [
                copied(
                    command, e.CreatorOptedOut, organization_id=creator.organization_id
                )
            ]
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
            return [
                *_end_connections(creator, creator.connections, "revoked_here"),
                e.CreatorRemoved(organization_id=creator.organization_id),
            ]
        case c.Reactivate():
            if creator.status != "removed":
                return []
            start, end = _window_after(creator.window, command)
            _check_window(start, end)
            mode = command.tracking_mode
            return [
                e.CreatorReactivated(
                    organization_id=creator.organization_id,
                    tracking_mode=creator.tracking_mode if mode is UNSET else mode,
                    tracking_start_date=start,
                    tracking_end_date=end,
                )
            ]
        case c.AutoDisable(scrape_id=scrape_id):
            # The same third verdict may be delivered twice, possibly after the creator
            # was re-enabled in between. It disables the creator once.
            if creator.status != "active" or creator.disabled_by == scrape_id:
                return []
            organization_id = creator.organization_id
            return [
                copied(command, e.CreatorAutoDisabled, organization_id=organization_id)
            ]
        case c.Disable():
            if _tracked(creator).status == "disabled":
                return []
            return [e.CreatorDisabled(organization_id=creator.organization_id)]
        case c.Reenable(at=at):
            if creator.status != "disabled" or is_cooling_down(creator, at):
                return []
            return [e.CreatorReenabled(organization_id=creator.organization_id, at=at)]
        case c.ConnectAccount(provider=provider, scopes=scopes, open_id=open_id):
            return [
                e.CreatorConnected(
                    organization_id=_tracked(creator).organization_id,
                    provider=provider,
                    scopes=tuple(sorted(set(scopes))),
                    open_id=open_id,
                )
            ]
        case c.EndConnection(provider=provider, reason=reason):
            ended = provider in creator.connections
            return _end_connections(creator, [provider], reason) if ended else []
        case c.EraseSubject():
            organization_id = creator.organization_id
            return [copied(command, e.SubjectErased, organization_id=organization_id)]
        case _:
            assert_never(command)


def evolve(creator: CreatorState | None, event: e.CreatorEvent) -> CreatorState:
    """Return the creator after ``event``; it never refuses."""
    if isinstance(event, e.CreatorAdded):
        return copied(event, CreatorState, origin_project_id=event.project_id)
    if creator is None:
        msg = "A creator's history must begin with creator_added."
        raise CorruptHistoryError(msg)
    match event:
        case e.HandleChanged(new=new):
            # Under another handle the creator may be another account.
            return replace(creator, handle=new, duplicate_of=None)
        case e.CreatorDetailsChanged():
            return replace(creator, **set_fields(event, DETAILS))
        case e.TrackingModeChanged(new=mode):
            return replace(creator, tracking_mode=mode)
        case e.TrackingWindowChanged():
            return replace(
                creator,
                tracking_start_date=event.tracking_start_date,
                tracking_end_date=event.tracking_end_date,
            )
        case e.CreatorContactChanged():
            return creator
        case e.CreatorOptedOut(at=at):
            return replace(creator, opted_out_at=at)
        case e.CreatorMoved(new_project_id=project_id):
            return replace(creator, project_id=project_id)
        case e.CreatorRemoved():
            return replace(creator, status="removed", disabled_reason=None)
        case e.CreatorReactivated():
            return replace(
                creator,
                status="active",
                duplicate_of=None,
                tracking_mode=event.tracking_mode,
                tracking_start_date=event.tracking_start_date,
                tracking_end_date=event.tracking_end_date,
            )
        case e.CreatorAutoDisabled(verdict=verdict, scrape_id=scrape_id):
            return replace(
                creator,
                status="disabled",
                disabled_reason=verdict,
                disabled_by=scrape_id,
                duplicate_of=event.duplicate_of,
            )
        case e.CreatorDisabled():
            return replace(creator, status="disabled", disabled_reason=BY_HAND)
        case e.CreatorReenabled(at=at):
            return replace(
                creator,
                status="active",
                disabled_reason=None,
                duplicate_of=None,
                reenabled_at=at,
            )
        case e.CreatorConnected(provider=provider, open_id=open_id, scopes=scopes):
            connection = ConsentedAccount(open_id=open_id, scopes=scopes)
            return replace(
                creator, connections={**creator.connections, provider: connection}
            )
        case e.CreatorConnectionLost(provider=lost):
            others = {
                provider: connection
                for provider, connection in creator.connections.items()
                if provider != lost
            }
            return replace(creator, connections=others)
        case e.SubjectErased(handle=handle):
            return CreatorState(
                organization_id=creator.organization_id,
                project_id=creator.project_id,
                origin_project_id=creator.origin_project_id,
                handle=handle,
                tracking_mode=creator.tracking_mode,
                tracking_start_date=None,
                tracking_end_date=None,
                status="erased",
            )
        case _:
            assert_never(event)


def creator_of(history: Sequence[Event]) -> CreatorState | None:
    """Return the creator of this history, None if the history is not a creator's."""
    if history and isinstance(history[0], e.SubjectErased):
        # A restored log may have nothing of a creator but the erasure of its single
        # videos.
        return None
    return state_after(history, e.CreatorEvent, evolve)


def check_not_erased(creator: CreatorState | None) -> None:
    """Check that a creator was not erased.

    Raises:
        CreatorErasedError: the creator was.
    """
    if creator is not None and creator.status == "erased":
        raise CreatorErasedError


def counts_in(creator: CreatorState | None, project_id: UUID) -> bool:
    """Tell whether a creator's account counts in a project.

    The account of a removed creator does. The account of an erased creator is unknown.
    """
    return (
        creator is not None
        and creator.project_id == project_id
        and creator.status != "erased"
    )


def is_cooling_down(creator: CreatorState, now: datetime) -> bool:
    """Tell whether the creator can't be enabled yet: it was less than 24 hours ago.

    A creator that a person disabled does not wait, because its account is there.
    """
    return (
        creator.disabled_reason != BY_HAND
        and creator.reenabled_at is not None
        and now - creator.reenabled_at < REENABLE_COOLDOWN
    )


def _add(creator: CreatorState | None, command: c.AddCreator) -> list[e.CreatorEvent]:
    if creator is not None:
        return []
    _check_window(command.tracking_start_date, command.tracking_end_date)
    return [copied(command, e.CreatorAdded, tags=read_tags(command.tags))]


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
    start, end = _window_after(creator.window, command)
    if (start, end) != creator.window:
        _check_window(start, end)
        happened.append(
            e.TrackingWindowChanged(
                organization_id=creator.organization_id,
                tracking_start_date=start,
                tracking_end_date=end,
            )
        )
    return happened


def _end_connections(
    creator: CreatorState,
    providers: Iterable[ConnectionProvider],
    reason: ConnectionEnd,
) -> list[e.CreatorEvent]:
    return [
        e.CreatorConnectionLost(
            organization_id=creator.organization_id, provider=provider, reason=reason
        )
        for provider in providers
    ]


def _nothing_more(command: c.CreatorCommand) -> list[e.CreatorEvent]:
    """Decide a command to an erased creator: no event.

    A repeated erasure, a late verdict and the end of a connection change nothing.

    Raises:
        CreatorErasedError: the command is any other.
    """
    if isinstance(command, c.EraseSubject | c.AutoDisable | c.EndConnection):
        return []
    raise CreatorErasedError


def _tracked(creator: CreatorState) -> CreatorState:
    if creator.status == "removed":
        raise CreatorRemovedError
    return creator


def _window_after(
    window: tuple[date | None, date | None], command: c.ChangeTracking | c.Reactivate
) -> tuple[date | None, date | None]:
    """Return the first and the last day after a command, which may leave them unset."""
    start, end = command.tracking_start_date, command.tracking_end_date
    return (
        window[0] if start is UNSET else start,
        window[1] if end is UNSET else end,
    )


def _check_window(start: date | None, end: date | None) -> None:
    """Check that a window has at least one day.

    Raises:
        InvalidWindowError: the window would end before it starts.
    """
    if start is not None and end is not None and end < start:
        raise InvalidWindowError
