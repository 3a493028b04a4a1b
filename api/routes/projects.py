"""/projects: groups of creators and videos."""

from datetime import datetime
from functools import partial
from typing import Annotated, ClassVar, get_args
from uuid import UUID

from litestar import Controller, delete, patch, post, put
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
from domain import events as e
from domain.errors import NotFoundError
from domain.organization.color import PATTERN
from domain.organization.handlers.organizations import change_organization
from domain.organization.logo import Logo, LogoType, logo_of
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.engine.reader import Reader
from projections.project_logos import StoredLogo, keep_logo, logo_of_project
from projections.projects import (
    Project,
    ProjectStatus,
    fold_project,
    one_project,
    page_of_projects,
    project_from_row,
)

Name = Annotated[str, Meta(min_length=1, max_length=200)]
ProjectDescription = Annotated[str, Meta(max_length=5_000)]
ClientName = Annotated[str, Meta(min_length=1, max_length=200)]
PrintedComment = Annotated[str, Meta(max_length=2_000)]
Color = Annotated[
    str,
    Meta(
        examples=["#1D56C2"],
        extra_json_schema={"pattern": PATTERN},
    ),
]

_LOGO_TYPES = get_args(LogoType)


class NewProject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project to create."""

    name: Name
    description: ProjectDescription | None = None


class ProjectChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed.

    `client` and `comment` are printed at the head of the project's reports. `color` is
    that of the line above them and of their charts; null is the usual one.
    """

    name: Name | UnsetType = UNSET
    description: ProjectDescription | UnsetType | None = UNSET
    client: ClientName | UnsetType | None = UNSET
    comment: PrintedComment | UnsetType | None = UNSET
    color: Color | UnsetType | None = UNSET


class LogoAnswer(Answer[bytes]):
    """The bytes of a logo, as they were sent."""

    def __init__(self, logo: StoredLogo) -> None:
        super().__init__(logo.content)
        self.sent_media_type = logo.media_type.encode()

    def encoded_body(self) -> bytes:
        return self.content


class ProjectRoutes(Controller):
    """The list of projects, and one project."""

    path = "/projects"
    tags = ("Projects",)
    entities: ClassVar = {"project": Project}

    @read_route("/", "listProjects")
    async def list_projects(
        self,
        listing: NamedDependency[ListRequest],
        status: Annotated[
            ProjectStatus,
            QueryParameter(
                description="The projects to list: active leaves archived ones out."
            ),
        ] = "active",
    ) -> ListPage[Project]:
        """List projects, newest first; archived ones only if they are asked for."""
        await listing.caught_up("projects")
        return await listing.page(
            "projects",
            partial(
                page_of_projects,
                listing.reader,
                listing.organization_id,
                status=status,
            ),
            filters={"status": status},
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{project_id:uuid}", "getProject")
    async def get_project(
        self,
        request: Request,
        project_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Project]:
        """Show one project."""
        await caught_up(request, reader, "projects")
        return found(
            "project", await one_project(reader, request.organization_id, project_id)
        )

    @write_route(
        post,
        "/",
        "createProject",
        whole_organization=True,
        errors=[Code.LIMIT_REACHED],
    )
    def create_project(
        self,
        request: Request,
        data: JSONBody[NewProject],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Create a project."""
        project_id = new_id()
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                c.CreateProject(project_id=project_id, **asdict(data)),
                plans=writer.plans,
            ),
            lambda _, done: _project(project_id, done, status=201),
        )

    @write_route(patch, "/{project_id:uuid}", "changeProject")
    def change_project(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[ProjectChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Rename or describe a project, or change the head of its reports."""
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                c.ChangeProjectDetails(project_id=project_id, **asdict(data)),
                plans=writer.plans,
                expected_versions=writer.expected_versions(request),
            ),
            lambda _, done: _project(project_id, done, status=200),
        )

    @write_route(
        delete,
        "/{project_id:uuid}",
        "archiveProject",
        whole_organization=True,
        errors=[Code.LAST_PROJECT],
    )
    def archive_project(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Archive a project: its creators are not scraped, and its history stays.

        Nothing new is tracked or scraped in it, its reports and alert rules rest, and
        lists of projects leave it out. Restoring it ends all of that.
        """
        return _rest(request, writer, c.ArchiveProject(project_id=project_id))

    @write_route(
        post,
        "/{project_id:uuid}/restore",
        "restoreProject",
        whole_organization=True,
        errors=[Code.LIMIT_REACHED],
        status=200,
        conditional=True,
    )
    def restore_project(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Let an archived project go on; its creators are scraped again."""
        return _rest(request, writer, c.RestoreProject(project_id=project_id))

    @read_route(
        "/{project_id:uuid}/logo",
        "getProjectLogo",
        files_sent=_LOGO_TYPES,
        versioned=False,
    )
    async def get_project_logo(
        self,
        request: Request,
        project_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[bytes]:
        """Show the logo of a project's reports."""
        await caught_up(request, reader, "projects")
        logo = await logo_of_project(reader, request.organization_id, project_id)
        if logo is None:
            raise NotFoundError("logo")
        return LogoAnswer(logo)

    @write_route(
        put,
        "/{project_id:uuid}/logo",
        "setProjectLogo",
        errors=[Code.INVALID_LOGO],
        files_taken=_LOGO_TYPES,
        conditional=True,
    )
    def set_project_logo(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Print a logo on the project's reports.

        The body is the picture itself: PNG, JPEG or WebP, up to 1 MB and 4,000 pixels a
        side, and not animated. The content says what it is, not the Content-Type. The
        logo before it is deleted.
        """
        content = request.body_that_was_read
        return _change_logo(request, writer, project_id, logo_of(content), content)

    @write_route(delete, "/{project_id:uuid}/logo", "removeProjectLogo")
    def remove_project_logo(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Project]:
        """Print no logo on the project's reports any more; the picture is deleted."""
        return _change_logo(request, writer, project_id, None)


def _rest(
    request: Request,
    writer: CommandWriter,
    command: c.ArchiveProject | c.RestoreProject,
) -> Answer[Project]:
    return writer.perform(
        request,
        lambda: change_organization(
            request.organization_id,
            command,
            plans=writer.plans,
            expected_versions=writer.expected_versions(request),
        ),
        lambda _, done: _project(command.project_id, done, status=200),
    )


def _change_logo(
    request: Request,
    writer: CommandWriter,
    project_id: UUID,
    logo: Logo | None,
    content: bytes = b"",
) -> Answer[Project]:
    return writer.perform(
        request,
        lambda: change_organization(
            request.organization_id,
            c.ChangeProjectLogo(project_id=project_id, logo=logo),
            plans=writer.plans,
            expected_versions=writer.expected_versions(request),
        ),
        lambda _, done: _project(project_id, done, status=200),
        in_transaction=lambda cursor, done: keep_logo(cursor, done.events, content),
    )


def _project(project_id: UUID, done: Executed[UUID], *, status: int) -> Answer[Project]:
    row = None
    for recorded in done.history(done.result):
        event = recorded.event
        if (
            isinstance(
                event,
                e.ProjectCreated
                | e.ProjectDetailsChanged
                | e.ProjectLogoChanged
                | e.ProjectArchived
                | e.ProjectRestored,
            )
            and event.project_id == project_id
        ):
            row = fold_project(row, recorded)
    if row is None:
        raise NotFoundError("project")
    project = project_from_row(row)
    return Answer(project, status=status, version=project.version)
