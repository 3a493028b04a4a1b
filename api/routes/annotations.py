"""/analytics/annotations: what happened on the days of a chart."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code
from api.http.query import invalid_query
from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.analytics.parameters import check_days
from domain import commands as c
from domain.annotation import handlers as annotations
from domain.annotation.errors import SystemAnnotationError
from domain.errors import NotFoundError
from domain.events import AnnotationScope
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.annotations.queries import (
    Annotation,
    AnnotationFilter,
    annotation_from_row,
    is_system,
    page_of_annotations,
)
from projections.annotations.rows import row_of

READ_MODEL = "annotations"
_CONFLICTS = [Code.SYSTEM_ANNOTATION]

NoteFirstDay = Annotated[date, Meta(description="The first day.")]
NoteLastDay = Annotated[
    date, Meta(description="The last day, which must not be before ``starts_on``.")
]
NoteText = Annotated[str, Meta(min_length=1, max_length=500)]


class NewAnnotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note to add; without ``ends_on`` it is about the single day ``starts_on``."""

    scope: AnnotationScope
    scope_id: Annotated[
        UUID, Meta(description="The id of the entity that the note is about.")
    ]
    starts_on: NoteFirstDay
    ends_on: NoteLastDay | None = None
    text: NoteText


class AnnotationChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed."""

    starts_on: NoteFirstDay | UnsetType = UNSET
    ends_on: NoteLastDay | UnsetType = UNSET
    text: NoteText | UnsetType = UNSET


class AnnotationRoutes(Controller):
    """The list of annotations, and the notes among them."""

    path = "/analytics/annotations"
    tags = ("Analytics",)
    entities: ClassVar = {"annotation": Annotation}

    @read_route("/", "listAnnotations")
    async def list_annotations(
        self,
        listing: NamedDependency[ListRequest],
        scope_: Annotated[
            AnnotationScope | None,
            QueryParameter(
                name="scope",
                description="The kind of entity that the annotations are about.",
            ),
        ] = None,
        scope_id: FromQuery[UUID | None] = None,
        kind: FromQuery[Literal["note", "system"] | None] = None,
        from_: Annotated[
            date | None,
            QueryParameter(
                name="from",
                description="Include only annotations that end on this day or later.",
            ),
        ] = None,
        to: Annotated[
            date | None,
            QueryParameter(
                description="Include only annotations that "
                "start on this day or earlier."
            ),
        ] = None,
    ) -> ListPage[Annotation]:
        """List the annotations of exactly this scope, the last to start first.

        The answers of /analytics also show the annotations of the project, campaigns
        and organization that an entity is in. docs/analytics.md says which events make
        a `system` annotation.
        """
        check_days({"from": from_, "to": to})
        if from_ is not None and to is not None and from_ > to:
            raise invalid_query("from", f"must not be after to, which is {to}")
        requested = AnnotationFilter(
            scope=scope_, scope_id=scope_id, kind=kind, first=from_, last=to
        )
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "annotations",
            lambda limit, after: page_of_annotations(
                listing.reader,
                listing.organization_id,
                requested,
                limit=limit,
                after=after,
            ),
            filters={
                "scope": scope_,
                "scope_id": scope_id,
                "kind": kind,
                "from": from_,
                "to": to,
            },
            key=lambda row: (row.starts_on, row.id),
            after=tuple[date, UUID],
        )

    @write_route(post, "/", "createAnnotation", errors=[Code.NOT_FOUND, Code.GONE])
    def create_annotation(
        self,
        request: Request,
        data: JSONBody[NewAnnotation],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Annotation]:
        """Create a note about the organization or something in it.

        A note about the organization or a project is shown in the answers about
        everything in it.
        """
        annotation_id = new_id()
        return writer.perform(
            request,
            lambda: annotations.add_annotation(
                annotation_id,
                organization_id=request.organization_id,
                scope=data.scope,
                scope_id=data.scope_id,
                starts_on=data.starts_on,
                ends_on=data.ends_on or data.starts_on,
                text=data.text,
            ),
            lambda rows, done: _answer(rows, done, status=201),
        )

    @write_route(patch, "/{annotation_id:uuid}", "changeAnnotation", errors=_CONFLICTS)
    def change_annotation(
        self,
        request: Request,
        annotation_id: FromPath[UUID],
        data: JSONBody[AnnotationChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Annotation]:
        """Change the text or the days of a note; system annotations are fixed."""
        command = c.ChangeAnnotation(**asdict(data))
        return _changed(request, writer, annotation_id, command)

    @write_route(delete, "/{annotation_id:uuid}", "deleteAnnotation", errors=_CONFLICTS)
    def delete_annotation(
        self,
        request: Request,
        annotation_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Annotation]:
        """Delete a note; a system annotation cannot be deleted."""
        return _changed(request, writer, annotation_id, c.DeleteAnnotation())


def _changed(
    request: Request,
    writer: CommandWriter,
    annotation_id: UUID,
    command: c.ChangeAnnotation | c.DeleteAnnotation,
) -> Answer[Annotation]:
    organization_id = request.organization_id
    try:
        return writer.perform(
            request,
            lambda: annotations.change_annotation(
                annotation_id,
                command,
                organization_id=organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            lambda rows, done: _answer(rows, done, status=200),
        )
    except NotFoundError:
        # A system annotation has no stream: only the read model knows it.
        if Rows(writer.store).ask(
            lambda cursor: is_system(cursor, organization_id, annotation_id)
        ):
            raise SystemAnnotationError from None
        raise


def _answer(rows: Rows, done: Executed[UUID], *, status: int) -> Answer[Annotation]:
    row = row_of(done.history(done.result))
    assert row is not None
    annotation = rows.ask(lambda cursor: annotation_from_row(cursor, row))
    return Answer(annotation, status=status, version=annotation.version)
