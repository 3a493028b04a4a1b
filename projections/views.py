"""views: one row for each view of a list, saved or built in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied
from domain.view.built_in import built_in_views
from domain.view.decider import DETAILS, view_texts_after
from domain.view.query import project_of
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.folds import stored_names
from projections.engine.reader import Reader
from projections.engine.thing_table import ThingRow, ThingTable

_Columns = list[str]


class ViewRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """A view; a deleted one keeps no text. The project is that of its query."""

    name: str
    list: e.ViewedList
    query: str
    columns: Sequence[str]
    is_built_in: bool = False
    owner_id: UUID | None = None
    is_private: bool = False
    project_id: UUID | None = None
    deleted_at: datetime | None = None


def _with_project(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if "query" not in fields:
        return fields
    return {**fields, "project_id": project_of(fields["query"])}


VIEWS = ThingTable(
    ViewRow,
    table="views",
    made=e.ViewSaved,
    changed=e.ViewChanged,
    ended=e.ViewDeleted,
    details=DETAILS,
    blank={"name": "", "query": "", "columns": (), "project_id": None},
    texts=(e.EarlierTextsForgotten, view_texts_after),
    columns=_with_project,
    ends_at="deleted_at",
)


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
    events = VIEWS.on.events | stored_names(e.OrganizationCreated)

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their views' rows, and save each changed row once."""
        created = (x for x in events if isinstance(x.event, e.OrganizationCreated))
        VIEWS.table.save(cursor, [row for each in created for row in _built_in(each)])
        VIEWS.write(cursor, events)


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
# The views that a person sees; a key of the organization is not a person.
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
