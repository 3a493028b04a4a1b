"""The commands to a creator, to its claim and account, and about banned handles."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.messages import (
    Command,
    ConnectionEnd,
    ConnectionProvider,
    DisabledReason,
    ErasedFigures,
    MovedHistory,
    TrackingMode,
)


class AddCreator(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    description: str | None
    readme: str | None
    metadata: dict[str, Any]
    tags: list[str] = []  # noqa: RUF012


class RenameHandle(Command, frozen=True, kw_only=True):
    handle: str


class ChangeDetails(Command, frozen=True, kw_only=True):
    display_name: str | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    readme: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET


class ChangeTracking(Command, frozen=True, kw_only=True):
    tracking_mode: TrackingMode | msgspec.UnsetType = msgspec.UNSET
    tracking_start_date: date | msgspec.UnsetType | None = msgspec.UNSET
    tracking_end_date: date | msgspec.UnsetType | None = msgspec.UNSET


class ChangeContact(Command, frozen=True, kw_only=True):
    """Note that the creator has another contact address, or none any more."""

    has_address: bool


class OptOutOfMails(Command, frozen=True, kw_only=True):
    """Let the creator get no more mails."""

    at: datetime


class MoveCreator(Command, frozen=True, kw_only=True):
    project_id: UUID
    history: MovedHistory


class SoftDelete(Command, frozen=True, kw_only=True):
    """Stop tracking a creator; its history stays."""


class Reactivate(Command, frozen=True, kw_only=True):
    """Track a removed creator again; unset settings stay as they were."""

    tracking_mode: TrackingMode | msgspec.UnsetType = msgspec.UNSET
    tracking_start_date: date | msgspec.UnsetType | None = msgspec.UNSET
    tracking_end_date: date | msgspec.UnsetType | None = msgspec.UNSET


class AutoDisable(Command, frozen=True, kw_only=True):
    verdict: DisabledReason
    scrape_id: UUID
    duplicate_of: UUID | None = None


class Disable(Command, frozen=True, kw_only=True):
    """Stop scraping a creator until somebody enables it again."""


class Reenable(Command, frozen=True, kw_only=True):
    at: datetime


class ConnectAccount(Command, frozen=True, kw_only=True):
    """Connect the account ``open_id``, whose owner lets the provider read it."""

    provider: ConnectionProvider
    scopes: tuple[str, ...]
    open_id: str


class EndConnection(Command, frozen=True, kw_only=True):
    """The provider can't read the account any more; see ``CreatorConnectionLost``."""

    provider: ConnectionProvider
    reason: ConnectionEnd


class EraseSubject(Command, frozen=True, kw_only=True):
    """Erase the person and their data; see ``SubjectErased``."""

    number: int
    figures: ErasedFigures
    video_ids: tuple[UUID, ...] = ()
    scrape_ids: tuple[UUID, ...] = ()
    time_zone: str = "UTC"


CreatorCommand = (
    AddCreator
    | RenameHandle
    | ChangeDetails
    | ChangeTracking
    | ChangeContact
    | OptOutOfMails
    | MoveCreator
    | SoftDelete
    | Reactivate
    | AutoDisable
    | Disable
    | Reenable
    | ConnectAccount
    | EndConnection
    | EraseSubject
)


# claims on handles, accounts, and banned handles


class ClaimHandle(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class ReleaseHandle(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class PinAccount(Command, frozen=True, kw_only=True):
    """Pin the account ``user_id``, whose profile a scrape observed.

    ``known_user_id`` is the account in the table of identities, which counts until the
    first ``AccountPinned``; None if the table has none.
    """

    organization_id: UUID
    creator_id: UUID
    user_id: str
    known_user_id: str | None = None


class BanHandle(Command, frozen=True, kw_only=True):
    handle: str
    reason: str | None


class UnbanHandle(Command, frozen=True, kw_only=True):
    handle: str
