"""/views: filters, an order and columns of a list, saved for one or for everybody."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from domain import commands as c
from domain.events import ViewedList
from domain.view import handlers as views
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.engine.reader import Reader
from projections.views import (
    VIEWS,
    View,
    ViewAudience,
    one_view,
    page_of_views,
    view_from_row,
)

READ_MODEL = "views"
_CONFLICTS = [Code.BUILT_IN_VIEW]
_NAMES = {"audience": "for"}

ViewName = Annotated[str, Meta(min_length=1, max_length=100)]
ViewQuery = Annotated[
    str,
    Meta(
        max_length=2_000,
        description="The parameters of the list as in an address, such as "
        "`health=failing&sort=followers`, without a page's limit and cursor.",
        examples=["health=failing&sort=followers"],
    ),
]
ViewColumns = Annotated[
    tuple[Annotated[str, Meta(pattern="^[a-z_]{1,40}$")], ...],
    Meta(
        max_length=40,
        description="The columns that the page shows; without any the usual ones.",
        examples=[["followers", "last_posted_at"]],
    ),
]
ViewFor = Annotated[
    ViewAudience,
    Meta(
        description="`me` is for the person who asks, whom a key of the organization "
        "has not. `everyone` is for everybody who may see the project in the query, "
        "and without one for everybody who sees all projects.",
    ),
]


class NewView(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_NAMES
):
    """A view to save: a list, and what is chosen of it."""

    name: ViewName
    list: Annotated[ViewedList, Meta(examples=["creators"])]
    query: ViewQuery = ""
    columns: ViewColumns = ()
    audience: ViewFor = "everyone"


class ViewChange(FieldsToChange, frozen=True, kw_only=True, rename=_NAMES):
    """The fields to change; others stay. At least one field is needed."""

    name: ViewName | UnsetType = UNSET
    query: ViewQuery | UnsetType = UNSET
    columns: ViewColumns | UnsetType = UNSET
    audience: ViewFor | UnsetType = UNSET


class ViewRoutes(Controller):
    """The list of views, and one view."""

    path = "/views"
    tags = ("Views",)
    entities: ClassVar = {"view": View}

    @read_route("/", "listViews")
    async def list_views(
        self,
        request: Request,
        listing: NamedDependency[ListRequest],
        list_: Annotated[
            ViewedList | None,
            QueryParameter(name="list", description="Show only views of this list."),
        ] = None,
    ) -> ListPage[View]:
        """List the views that are for the person who asks, and for everybody.

        The oldest is the first. Every organization has the view "Stopped posting" from
        the start.
        """
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "views",
            lambda limit, after: page_of_views(
                listing.reader,
                listing.organization_id,
                viewed=list_,
                person_id=request.principal.person_id,
                limit=limit,
                after=after,
            ),
            filters={"list": list_},
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{view_id:uuid}", "getView")
    async def get_view(
        self,
        request: Request,
        view_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[View]:
        """Show one view."""
        await caught_up(request, reader, READ_MODEL)
        view = await one_view(
            reader,
            request.organization_id,
            view_id,
            person_id=request.principal.person_id,
        )
        return found("view", view)

    @write_route(post, "/", "createView", errors=[Code.LIMIT_REACHED, Code.NOT_FOUND])
    def create_view(
        self,
        request: Request,
        data: JSONBody[NewView],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[View]:
        """Create a view of a list, for everybody unless it says otherwise."""
        view_id = new_id()
        fields = asdict(data)
        command = c.SaveView(
            organization_id=request.organization_id,
            is_private=fields.pop("audience") == "me",
            owner_id=request.principal.person_id,
            **fields,
        )
        return writer.perform(
            request,
            lambda: views.save_view(view_id, command, plans=writer.plans),
            lambda _, done: _answer(done, status=201),
        )

    @write_route(
        patch,
        "/{view_id:uuid}",
        "changeView",
        errors=[*_CONFLICTS, Code.VIEW_OF_ANOTHER],
    )
    def change_view(
        self,
        request: Request,
        view_id: FromPath[UUID],
        data: JSONBody[ViewChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[View]:
        """Change the name, the query or the columns of a view; its list stays.

        For whom it is changes by its owner or an admin; with `me` it becomes theirs.
        """
        fields, principal = asdict(data), request.principal
        audience = fields.pop("audience")
        command = c.ChangeView(
            by=principal.person_id,
            is_manager="admin" in principal.scopes,
            is_private=UNSET if audience is UNSET else audience == "me",
            **fields,
        )
        return _changed(request, writer, view_id, command)

    @write_route(delete, "/{view_id:uuid}", "deleteView", errors=_CONFLICTS)
    def delete_view(
        self,
        request: Request,
        view_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[View]:
        """Delete a view; one that comes with Goatherd cannot be deleted."""
        command = c.DeleteView(by=request.principal.person_id)
        return _changed(request, writer, view_id, command)


def _changed(
    request: Request,
    writer: CommandWriter,
    view_id: UUID,
    command: c.ChangeView | c.DeleteView,
) -> Answer[View]:
    return writer.perform(
        request,
        lambda: views.change_view(
            view_id,
            command,
            organization_id=request.organization_id,
            expected_versions=writer.expected_versions(request),
        ),
        lambda _, done: _answer(done, status=200),
    )


def _answer(done: Executed[UUID], *, status: int) -> Answer[View]:
    row = VIEWS.after(done.history(done.result))
    assert row is not None
    view = view_from_row(row)
    return Answer(view, status=status, version=view.version)
