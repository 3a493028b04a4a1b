"""The commands to a view."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Command
from domain.view.events import ViewFields


class SaveView(ViewFields, Command, frozen=True, kw_only=True):
    pass


class ChangeView(Command, frozen=True, kw_only=True):
    """Change a view, as the person ``by``, None for a key of the organization.

    A manager of the organization may also change for whom the view of others is.
    """

    by: UUID | None = None
    is_manager: bool = False
    name: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    columns: tuple[str, ...] | UnsetType = UNSET
    is_private: bool | UnsetType = UNSET


class HandOverView(Command, frozen=True, kw_only=True):
    """Make another person the owner of a view that is for everybody."""

    owner_id: UUID
    by: None = None


class DeleteView(Command, frozen=True, kw_only=True):
    """Delete a view, as the person ``by``, None for a key of the organization."""

    by: UUID | None = None


ViewCommand = SaveView | ChangeView | HandOverView | DeleteView
