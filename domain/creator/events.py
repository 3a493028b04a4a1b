"""The events of a creator, of its claim on a handle, and of handles banned here."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Event, Outcome, TrackingMode

# creator: one stream a tracked creator


class CreatorAdded(Event, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it, and omits it


class HandleChanged(Event, frozen=True, kw_only=True):
    organization_id: UUID
    old: str
    new: str


class CreatorDetailsChanged(Event, frozen=True, kw_only=True):
    """What is unset did not change; a null display name follows the scraped one."""

    organization_id: UUID
    display_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class TrackingModeChanged(Event, frozen=True, kw_only=True):
    organization_id: UUID
    old: TrackingMode
    new: TrackingMode


class TrackingWindowChanged(Event, frozen=True, kw_only=True):
    """The whole new window, both ends inclusive; a null end is open."""

    organization_id: UUID
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorRemoved(Event, frozen=True, kw_only=True):
    organization_id: UUID


class CreatorReactivated(Event, frozen=True, kw_only=True):
    """A removed creator came back under its own id, with these tracking settings."""

    organization_id: UUID
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorAutoDisabled(Event, frozen=True, kw_only=True):
    """Too many scrapes in a row found no public account; ``scrape_id`` was the last."""

    organization_id: UUID
    verdict: Outcome
    scrape_id: UUID


class CreatorReenabled(Event, frozen=True, kw_only=True):
    """Somebody asked for another try; ``at`` starts the cooldown of the next one."""

    organization_id: UUID
    at: datetime


# handle: one stream a handle and project, saying which creator holds it


class HandleClaimed(Event, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class HandleReleased(Event, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


# platform handle: one stream a handle, for the whole installation


class HandleBanned(Event, frozen=True, kw_only=True):
    handle: str
    reason: str | None = None


class HandleUnbanned(Event, frozen=True, kw_only=True):
    handle: str


CreatorEvent = (
    CreatorAdded
    | HandleChanged
    | CreatorDetailsChanged
    | TrackingModeChanged
    | TrackingWindowChanged
    | CreatorRemoved
    | CreatorReactivated
    | CreatorAutoDisabled
    | CreatorReenabled
)
ClaimEvent = HandleClaimed | HandleReleased
BanEvent = HandleBanned | HandleUnbanned
