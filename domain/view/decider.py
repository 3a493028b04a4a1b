"""Views: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.decisions import check_name, state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, changed_fields, copied, set_fields
from domain.texts import EarlierTextsForgotten, texts_after
from domain.view import commands as c
from domain.view import events as e
from domain.view.query import check_query

# The fields of a view that people can change.
DETAILS = ("name", "query", "columns")


class ViewState(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    list: e.ViewedList
    name: str
    query: str
    columns: tuple[str, ...]
    is_deleted: bool = False


def decide(view: ViewState | None, command: c.ViewCommand) -> list[e.ViewEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no view with this id, or it was deleted.
        BlankNameError: the name is only blanks.
        InvalidViewQueryError: the list does not have such a query.
    """
    if isinstance(command, c.SaveView):
        if view is not None:
            return []
        check_name(command.name)
        check_query(command.list, command.query)
        return [copied(command, e.ViewSaved)]
    if view is None:
        raise NotFoundError("view")
    if isinstance(command, c.DeleteView):
        deleted = e.ViewDeleted(organization_id=view.organization_id)
        return [] if view.is_deleted else [deleted]
    if view.is_deleted:
        raise NotFoundError("view")
    changed = changed_fields(command, view, DETAILS)
    if not changed:
        return []
    if command.name is not UNSET:
        check_name(command.name)
    if command.query is not UNSET:
        check_query(view.list, command.query)
    return [e.ViewChanged(organization_id=view.organization_id, **changed)]


def evolve(view: ViewState | None, event: e.ViewEvent) -> ViewState:
    """Return the view after ``event``; it never refuses."""
    if isinstance(event, e.ViewSaved):
        return copied(event, ViewState)
    if view is None:
        msg = "A view's history must begin with view_saved."
        raise CorruptHistoryError(msg)
    match event:
        case e.ViewChanged():
            return replace(view, **set_fields(event, DETAILS))
        case EarlierTextsForgotten():
            return replace(view, **details_after(event))
        case e.ViewDeleted():
            return replace(view, is_deleted=True)
        case _:
            assert_never(event)


def details_after(event: EarlierTextsForgotten) -> dict[str, Any]:
    """Return the details of a view after its earlier texts were forgotten."""
    kept = texts_after(event, DETAILS)
    return {**kept, "columns": tuple(kept["columns"])}


def view_of(history: Sequence[Event]) -> ViewState | None:
    """Return the view of this history, None if the history is not a view's."""
    return state_after(history, e.ViewEvent, evolve)
