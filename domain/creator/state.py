"""Creators: the state of one, and the effects of events on it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, Literal, assert_never, cast
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.creator import events as e
from domain.creator.errors import CreatorErasedError
from domain.errors import CorruptHistoryError
from domain.messages import (
    ConnectionProvider,
    DisabledReason,
    Event,
    TrackingMode,
    set_fields,
)

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
    disabled_reason: DisabledReason | None = None
    disabled_by: UUID | None = None
    duplicate_of: UUID | None = None
    reenabled_at: datetime | None = None
    connections: dict[ConnectionProvider, ConsentedAccount] = {}

    @property
    def is_gone(self) -> bool:
        """Tell whether the creator was removed or erased."""
        return self.status in {"removed", "erased"}

    @property
    def window(self) -> tuple[date | None, date | None]:
        return self.tracking_start_date, self.tracking_end_date


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
            # Under another handle the creator may be another account.
            return replace(known, handle=new, duplicate_of=None)
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
                duplicate_of=None,
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
                duplicate_of=event.duplicate_of,
            )
        case e.CreatorReenabled(at=at):
            return replace(
                known,
                status="active",
                disabled_reason=None,
                duplicate_of=None,
                reenabled_at=at,
            )
        case e.CreatorConnected(provider=provider, open_id=open_id, scopes=scopes):
            connection = ConsentedAccount(open_id=open_id, scopes=scopes)
            return replace(
                known, connections={**known.connections, provider: connection}
            )
        case e.CreatorConnectionLost(provider=lost):
            others = {
                provider: connection
                for provider, connection in known.connections.items()
                if provider != lost
            }
            return replace(known, connections=others)
        case e.SubjectErased(handle=handle):
            return CreatorState(
                organization_id=known.organization_id,
                project_id=known.project_id,
                origin_project_id=known.origin_project_id,
                handle=handle,
                tracking_mode=known.tracking_mode,
                tracking_start_date=None,
                tracking_end_date=None,
                status="erased",
            )
        case _:
            assert_never(event)


def creator_of(history: Sequence[Event]) -> CreatorState | None:
    """Return the creator of this history, None if the history is not a creator's."""
    if not history or not isinstance(history[0], e.CreatorEvent):
        return None
    if isinstance(history[0], e.SubjectErased):
        # A restored log may have nothing of a creator but the erasure of its single
        # videos.
        return None
    events = cast("Sequence[e.CreatorEvent]", history)
    return reduce(evolve, events, cast("CreatorState | None", None))


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
    """Tell whether the creator was re-enabled less than 24 hours ago."""
    return (
        creator.reenabled_at is not None
        and now - creator.reenabled_at < REENABLE_COOLDOWN
    )


def _known(creator: CreatorState | None) -> CreatorState:
    if creator is None:
        msg = "A creator's history must begin with creator_added."
        raise CorruptHistoryError(msg)
    return creator
