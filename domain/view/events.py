"""The events of a view: one stream for each view that somebody saved."""

from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal
from domain.texts import EarlierTextsForgotten

ViewedList = Literal["creators", "videos", "campaigns"]


class ViewFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    list: ViewedList
    name: Personal[str]
    query: Personal[str] = ""
    columns: Personal[tuple[str, ...]] = ()
    owner_id: UUID | None = None
    is_private: bool = False


class ViewSaved(ViewFields, Event, frozen=True, kw_only=True):
    """Somebody saved a view of a list, for themselves or for everybody.

    ``query`` has the filters and the order of the list, written as in an address.
    ``columns`` are the names of the columns to show; none stands for the usual ones.
    ``owner_id`` is the person who saved it, null for a key of the organization. A view
    that ``is_private`` is for its owner alone.
    """

    stored_name: ClassVar[str] = "view_saved"


class ViewChanged(Event, frozen=True, kw_only=True):
    """The view changed; unset fields stay as they were.

    ``owner_id`` is the person who has the view from now on.
    """

    stored_name: ClassVar[str] = "view_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    query: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    columns: Personal[tuple[str, ...] | msgspec.UnsetType] = msgspec.UNSET
    owner_id: UUID | msgspec.UnsetType = msgspec.UNSET
    is_private: bool | msgspec.UnsetType = msgspec.UNSET


class ViewDeleted(Event, frozen=True, kw_only=True):
    """The view is gone from every list."""

    stored_name: ClassVar[str] = "view_deleted"
    organization_id: UUID


ViewEvent = ViewSaved | ViewChanged | ViewDeleted | EarlierTextsForgotten
