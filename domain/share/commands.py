"""The commands to a shared link."""

from datetime import date, datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.analytics.periods import NamedPeriod
from domain.messages import Command
from domain.share.events import HiddenPart, ShareScope


class MakeShare(Command, frozen=True, kw_only=True):
    """``at`` is the present time."""

    organization_id: UUID
    scope: ShareScope
    scope_id: UUID
    at: datetime
    name: str = ""
    first_day: date | None = None
    last_day: date | None = None
    rolling: NamedPeriod | None = None
    hide: tuple[HiddenPart, ...] = ()
    has_password: bool = False
    expires_at: datetime | None = None
    as_of: str | None = None
    as_of_at: datetime | None = None
    embed: bool = False
    origins: tuple[str, ...] = ()


class ChangeShare(Command, frozen=True, kw_only=True):
    """``at`` is the present time."""

    at: datetime
    name: str | UnsetType = UNSET
    first_day: date | UnsetType | None = UNSET
    last_day: date | UnsetType | None = UNSET
    rolling: NamedPeriod | UnsetType | None = UNSET
    hide: tuple[HiddenPart, ...] | UnsetType = UNSET
    has_password: bool | UnsetType = UNSET
    password_changed: bool = False
    expires_at: datetime | UnsetType | None = UNSET
    embed: bool | UnsetType = UNSET
    origins: tuple[str, ...] | UnsetType = UNSET


class RevokeShare(Command, frozen=True, kw_only=True):
    pass


ShareCommand = ChangeShare | RevokeShare
