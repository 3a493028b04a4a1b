"""/projects: groups of creators and videos."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Controller, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from api.http.errors import Code
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.fields_to_change import FieldsToChange
from domain import commands as c
from domain import events as e
from domain.errors import NotFoundError
from domain.organization.handlers.organizations import change_organization
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.engine.reader import Reader
from projections.projects import (
    Project,
    fold_project,
    one_project,
    page_of_projects,
    project_from_row,
)

Name = Annotated[str, Meta(min_length=1, max_length=200)]
ProjectDescription = Annotated[str, Meta(max_length=5_000)]


class NewProject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project to create."""

    name: Name
    description: ProjectDescription | None = None


class ProjectChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed."""

    name: Name | UnsetType = UNSET
    description: ProjectDescription | UnsetType | None = UNSET


class ProjectRoutes(Controller):
    """The list of projects, and one project."""

    path = "/projects"
    tags = ("Projects",)

    @read_route("/", "listProjects")
    async def list_projects(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[Project]:
        """List projects, newest first."""
        await listing.caught_up("projects")
        return await listing.page(
            "projects",
            partial(page_of_projects, listing.reader, listing.organization_id),
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

    @write_route(post, "/", "createProject", errors=[Code.LIMIT_REACHED])
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
        """Rename or describe a project."""
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


def _project(project_id: UUID, done: Executed[UUID], *, status: int) -> Answer[Project]:
    row = None
    for recorded in done.history(done.result):
        event = recorded.event
        if (
            isinstance(event, e.ProjectCreated | e.ProjectDetailsChanged)
            and event.project_id == project_id
        ):
            row = fold_project(row, recorded)
    if row is None:
        raise NotFoundError("project")
    project = project_from_row(row)
    return Answer(project, status=status, version=project.version)
