"""views: one row for each view of a list, saved or built in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied, set_fields
from domain.view.built_in import built_in_views
from domain.view.decider import DETAILS, view_texts_after
from domain.view.query import project_of
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.folds import Folds, stored_names
from projections.engine.reader import Reader
from projections.engine.table import Table

_Columns = list[str]


class ViewRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A view; a deleted one keeps no text. The project is that of its query."""

    organization_id: UUID
    id: UUID
    name: str
    list: e.ViewedList
    query: str
    columns: Sequence[str]
    is_built_in: bool = False
    owner_id: UUID | None = None
    is_private: bool = False
    project_id: UUID | None = None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


on = Folds[[ViewRow | None, RecordedEvent], ViewRow | None]()


@on(e.ViewSaved)
def _saved(
    event: e.ViewSaved, row: ViewRow | None, recorded: RecordedEvent
) -> ViewRow | None:
    return row or copied(
        event,
        ViewRow,
        id=recorded.stream,
        project_id=project_of(event.query),
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on(e.ViewChanged)
def _changed(
    event: e.ViewChanged, row: ViewRow | None, recorded: RecordedEvent
) -> ViewRow | None:
    return _later(row, recorded, set_fields(event, DETAILS))


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, row: ViewRow | None, recorded: RecordedEvent
) -> ViewRow | None:
    return _later(row, recorded, view_texts_after(event))


@on(e.ViewDeleted)
def _deleted(
    event: e.ViewDeleted,  # noqa: ARG001 - the type chooses the fold
    row: ViewRow | None,
    recorded: RecordedEvent,
) -> ViewRow | None:
    nothing = {"name": "", "query": "", "columns": ()}
    return _later(row, recorded, {**nothing, "deleted_at": recorded.recorded_at})


def _later(
    row: ViewRow | None, recorded: RecordedEvent, changed: dict[str, Any]
) -> ViewRow | None:
    if row is None or recorded.version <= row.version:
        return row
    if "query" in changed:
        changed["project_id"] = project_of(changed["query"])
    return replace(
        row, version=recorded.version, updated_at=recorded.recorded_at, **changed
    )


def fold_view(row: ViewRow | None, recorded: RecordedEvent) -> ViewRow | None:
    return on.fold(recorded.event, row, recorded)


def row_of(history: Sequence[RecordedEvent]) -> ViewRow | None:
    """Return the view after its history; a deleted view is returned as it was last."""
    row = None
    for recorded in history:
        after = fold_view(row, recorded)
        if row is not None and after is not None and after.deleted_at is not None:
            after = replace(row, version=after.version, updated_at=after.updated_at)
        row = after
    return row


def _built_in(recorded: RecordedEvent) -> list[ViewRow]:
    """Return the views that an organization has from the start, as of its creation."""
    return [
        copied(
            view,
            ViewRow,
            id=view_id,
            is_built_in=True,
            version=1,
            created_at=recorded.recorded_at,
            updated_at=recorded.recorded_at,
        )
        for view_id, view in built_in_views(recorded.stream).items()
    ]


class Views:
    """Keeps the table views."""

    name = "views"
    version = 2
    tables = ("views",)
    events = on.events | stored_names(e.OrganizationCreated)

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their views' rows, and save each changed row once."""
        created: list[RecordedEvent] = []
        own: list[RecordedEvent] = []
        for each in events:
            is_new = isinstance(each.event, e.OrganizationCreated)
            (created if is_new else own).append(each)
        _TABLE.save(cursor, [row for each in created for row in _built_in(each)])
        _TABLE.fold(cursor, own, key=_key, fold=fold_view)


_TABLE = Table(ViewRow, name="views")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream


# As clients read it


ViewAudience = Literal["me", "everyone"]


class View(msgspec.Struct, frozen=True, kw_only=True, rename={"audience": "for"}):
    """Filters, an order and columns of a list, saved under a name.

    ``for`` says who sees it: `me` is the person who asks, and nobody else. `everyone`
    is everybody who may see its project, ``project_id``, which is the one in the query;
    without a project it is everybody who sees all projects. ``owner_id`` is the person
    who saved it or took it over, null if a key of the organization saved it or it is
    from before views had owners. ``query`` has the parameters of the list, as in an
    address: `GET /creators?` and the query is the list. ``columns`` are the columns
    that the page shows, the usual ones if there are none. A view that ``is_built_in``
    comes with Goatherd and cannot be changed.
    """

    id: UUID
    org_id: UUID
    name: str
    list: e.ViewedList
    query: str
    columns: _Columns
    is_built_in: bool
    audience: ViewAudience
    project_id: UUID | None
    owner_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = (
    "id, organization_id, name, list, query, columns, is_built_in, "
    "CASE WHEN is_private THEN 'me' ELSE 'everyone' END, project_id, owner_id, "
    "version, created_at, updated_at"
)
# The views that are there for a person; a key of the organization is none.
_THERE = f"""
SELECT {_COLUMNS} FROM views
WHERE organization_id = %(organization)s AND deleted_at IS NULL
AND (NOT is_private OR owner_id = %(person)s::uuid)
"""
_ONE = f"{_THERE} AND id = %(id)s".encode()
_PAGE = f"""
{_THERE} AND (%(list)s::text IS NULL OR list = %(list)s)
AND (%(value)s::timestamptz IS NULL OR (created_at, id) > (%(value)s, %(last_id)s))
ORDER BY created_at, id LIMIT %(limit)s
""".encode()


async def one_view(
    reader: Reader, organization_id: UUID, view_id: UUID, *, person_id: UUID | None
) -> View | None:
    """Return one view of an organization, None if the person has none with the id."""
    params = {"organization": organization_id, "id": view_id, "person": person_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return next(iter(structs(View, rows)), None)


async def page_of_views(
    reader: Reader,
    organization_id: UUID,
    *,
    viewed: e.ViewedList | None,
    person_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[View]:
    """Return up to ``limit`` views of a person after the given one, oldest first."""
    rows = await reader.page(
        organization_id,
        _PAGE,
        limit=limit,
        after=after,
        list=viewed,
        person=person_id,
    )
    return structs(View, rows)


def view_from_row(row: ViewRow) -> View:
    """Return a row as clients read it."""
    return copied(
        row,
        View,
        org_id=row.organization_id,
        columns=[*row.columns],
        audience="me" if row.is_private else "everyone",
    )
