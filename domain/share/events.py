"""The events of a shared link: one stream for each link that somebody made."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.analytics.periods import NamedPeriod
from domain.messages import Event, Personal
from domain.texts import EarlierTextsForgotten

ShareScope = Literal["creator", "campaign", "project", "report"]
HiddenPart = Literal["money", "notes"]


class ShareFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    scope: ShareScope
    scope_id: UUID
    name: Personal[str] = ""
    first_day: date | None = None
    last_day: date | None = None
    rolling: NamedPeriod | None = None
    hide: tuple[HiddenPart, ...] = ()
    has_password: bool = False
    expires_at: datetime | None = None
    as_of: str | None = None
    as_of_at: datetime | None = None
    embed: bool = False
    origins: Personal[tuple[str, ...]] = ()


class ShareMade(ShareFields, Event, frozen=True, kw_only=True):
    """Somebody made a link to a page about a creator, campaign, project or report.

    The page shows the days from ``first_day`` to ``last_day``, or those of the period
    ``rolling``; without ``last_day`` up to the present. A report has days of its own:
    the page shows its newest issue, or with ``as_of`` that of then. It shows nothing of
    other projects than ``project_id``. ``as_of`` is a time or a position of the log at
    which the page stands still, and ``as_of_at`` the time. ``origins`` are the sites
    that may show the page in a frame if ``embed`` is true. Neither the link nor its
    password is in the log.
    """

    stored_name: ClassVar[str] = "share_made"


class ShareChanged(Event, frozen=True, kw_only=True):
    """The content of the page changed, or the access to it; unset fields stay.

    With ``password_changed`` the link has another password.
    """

    stored_name: ClassVar[str] = "share_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    first_day: date | msgspec.UnsetType | None = msgspec.UNSET
    last_day: date | msgspec.UnsetType | None = msgspec.UNSET
    rolling: NamedPeriod | msgspec.UnsetType | None = msgspec.UNSET
    hide: tuple[HiddenPart, ...] | msgspec.UnsetType = msgspec.UNSET
    has_password: bool | msgspec.UnsetType = msgspec.UNSET
    password_changed: bool = False
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    embed: bool | msgspec.UnsetType = msgspec.UNSET
    origins: Personal[tuple[str, ...] | msgspec.UnsetType] = msgspec.UNSET


class ShareRevoked(Event, frozen=True, kw_only=True):
    """The link does not work any more, and never will again."""

    stored_name: ClassVar[str] = "share_revoked"
    organization_id: UUID


ShareEvent = ShareMade | ShareChanged | ShareRevoked | EarlierTextsForgotten
