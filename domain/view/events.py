"""The events of a view: one stream for each view that somebody saved."""

from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal
from domain.texts import EarlierTextsForgotten

ViewedList = Literal["creators", "videos", "campaigns"]


class ViewSaved(Event, frozen=True, kw_only=True):
    """Somebody saved a view of a list for the organization.

    ``query`` has the filters and the order of the list, written as in an address.
    ``columns`` are the names of the columns to show; none stands for the usual ones.
    """

    stored_name: ClassVar[str] = "view_saved"
    organization_id: UUID
    list: ViewedList
    name: Personal[str]
    query: Personal[str] = ""
    columns: Personal[tuple[str, ...]] = ()


class ViewChanged(Event, frozen=True, kw_only=True):
    """The view's name, query or columns changed; unset fields stay as they were."""

    stored_name: ClassVar[str] = "view_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    query: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    columns: Personal[tuple[str, ...] | msgspec.UnsetType] = msgspec.UNSET


class ViewDeleted(Event, frozen=True, kw_only=True):
    """The view is gone from every list."""

    stored_name: ClassVar[str] = "view_deleted"
    organization_id: UUID


ViewEvent = ViewSaved | ViewChanged | ViewDeleted | EarlierTextsForgotten
