"""The commands to a view."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Command
from domain.view.events import ViewedList


class SaveView(Command, frozen=True, kw_only=True):
    organization_id: UUID
    list: ViewedList
    name: str
    query: str = ""
    columns: tuple[str, ...] = ()


class ChangeView(Command, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    columns: tuple[str, ...] | UnsetType = UNSET


class DeleteView(Command, frozen=True, kw_only=True):
    pass


ViewCommand = SaveView | ChangeView | DeleteView
