"""The commands to a shared link."""

from datetime import date, datetime
from uuid import UUID

import msgspec

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
    name: str | msgspec.UnsetType = msgspec.UNSET
    first_day: date | msgspec.UnsetType | None = msgspec.UNSET
    last_day: date | msgspec.UnsetType | None = msgspec.UNSET
    rolling: NamedPeriod | msgspec.UnsetType | None = msgspec.UNSET
    hide: tuple[HiddenPart, ...] | msgspec.UnsetType = msgspec.UNSET
    has_password: bool | msgspec.UnsetType = msgspec.UNSET
    password_changed: bool = False
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    embed: bool | msgspec.UnsetType = msgspec.UNSET
    origins: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class RevokeShare(Command, frozen=True, kw_only=True):
    pass


ShareCommand = ChangeShare | RevokeShare
