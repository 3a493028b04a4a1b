"""Views: the state of one, the events that commands cause, and their effects."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from domain.decisions import check_name
from domain.errors import NotFoundError
from domain.messages import changed_fields, copied
from domain.texts import EarlierTextsForgotten, texts_after
from domain.thing import Thing
from domain.view import commands as c
from domain.view import events as e
from domain.view.errors import OwnerlessViewError, ViewOfAnotherError
from domain.view.query import check_query, project_of

TEXTS = ("name", "query", "columns")
# The fields of a view that people can change.
DETAILS = (*TEXTS, "owner_id", "is_private")


class ViewState(e.ViewFields, frozen=True, kw_only=True):
    version: int = 1
    is_deleted: bool = False

    @property
    def project_id(self) -> UUID | None:
        return project_of(self.query)

    def is_hidden_from(self, person_id: UUID | None) -> bool:
        """Tell whether the view is there for another person alone."""
        return self.is_private and self.owner_id != person_id


def decide(view: ViewState | None, command: c.ViewCommand) -> list[e.ViewEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no view with this id for the person, or it was deleted.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidViewQueryError: the list does not have such a query.
        OwnerlessViewError: it would be for one person alone, and there is no person.
        ViewOfAnotherError: it is somebody else's, who decides for whom it is.
    """
    if isinstance(command, c.SaveView):
        if view is not None:
            return []
        check_name(command.name)
        check_query(command.list, command.query)
        if command.is_private and command.owner_id is None:
            raise OwnerlessViewError
        return [copied(command, e.ViewSaved)]
    if view is None or view.is_hidden_from(command.by):
        raise NotFoundError("view")
    if isinstance(command, c.DeleteView):
        deleted = e.ViewDeleted(organization_id=view.organization_id)
        return [] if view.is_deleted else [deleted]
    if view.is_deleted:
        raise NotFoundError("view")
    if isinstance(command, c.HandOverView):
        handed = changed_fields(command, view, ("owner_id",))
        of = view.organization_id
        return [e.ViewChanged(organization_id=of, **handed)] if handed else []
    changed = changed_fields(command, view, (*TEXTS, "is_private"))
    if not changed:
        return []
    if "is_private" in changed:
        is_owner = command.by is not None and command.by == view.owner_id
        if not (is_owner or command.is_manager):
            raise ViewOfAnotherError
    if changed.get("is_private"):
        if command.by is None:
            raise OwnerlessViewError
        if command.by != view.owner_id:
            changed["owner_id"] = command.by
    if command.name is not UNSET:
        check_name(command.name)
    if command.query is not UNSET:
        check_query(view.list, command.query)
    return [e.ViewChanged(organization_id=view.organization_id, **changed)]


def view_texts_after(event: EarlierTextsForgotten) -> dict[str, Any]:
    """Return the texts of a view after its earlier ones were forgotten."""
    kept = texts_after(event, TEXTS)
    return {**kept, "columns": tuple(kept["columns"])}


_VIEW = Thing(
    "view",
    ViewState,
    e.ViewEvent,
    made=e.ViewSaved,
    changed=e.ViewChanged,
    ended=e.ViewDeleted,
    details=DETAILS,
    ends="is_deleted",
    effects={EarlierTextsForgotten: lambda _, event: view_texts_after(event)},
)
evolve, view_of = _VIEW.evolve, _VIEW.of
