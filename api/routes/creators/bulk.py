"""/projects/{id}/creators: added creators, and commands for many."""

from datetime import UTC, datetime
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec.structs import asdict

from api.http.bodies.json_body import OneOf
from api.http.errors import Code
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import write_route
from api.http.writer import CommandWriter
from api.routes.creators import responses as answers
from api.routes.creators.schemas import (
    AddedCreators,
    BulkAnswer,
    CreatorSelection,
    NewCreator,
    NewCreators,
    TagChange,
    check_sizes,
)
from domain.creator.handlers import change as creators
from domain.creator.handlers.add import RequestedCreator, add_creators
from infra.ids import new_id
from projections.creators.creator import Creator


class ProjectCreatorRoutes(Controller):
    """The creators of one project, many at a time."""

    path = "/projects/{project_id:uuid}/creators"
    tags = ("Creators",)

    @write_route(
        post,
        "/",
        "addCreators",
        errors=[
            Code.LIMIT_REACHED,
            Code.HANDLE_TAKEN,
            Code.CREATOR_BANNED,
            Code.ERASED_AND_BANNED,
            Code.INVALID_HANDLE,
            Code.PROJECT_ARCHIVED,
        ],
        responses={
            200: ResponseSpec(
                Creator | AddedCreators,
                description="A removed creator was restored, or none of many is new: "
                "they were restored, or they failed.",
            )
        },
    )
    def add_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: OneOf[NewCreator | NewCreators],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Creator | AddedCreators]:
        """Track one creator, or up to 50 at once.

        The status is 201 if a creator is new. The status is 200 if none is: a removed
        creator is restored with their id, or each of many was restored or failed. An
        answer about many has `added_count` 0 if nothing was added; a single creator
        that cannot be added is an error.

        Settings in the body are applied to a restored creator, and the others stay as
        they were. An invalid creator among many fails alone; if the plan has no room
        for all of them, none is added. Each creator gets a profile scrape and a
        discovery scrape at once.
        """
        single = isinstance(data, NewCreator)
        items = [data] if single else data.creators
        for index, item in enumerate(items):
            check_sizes(item, at="" if single else f"/creators/{index}")
        return writer.perform(
            request,
            lambda: add_creators(
                [RequestedCreator(**asdict(item)) for item in items],
                fresh_ids=[new_id() for _ in items],
                organization_id=request.organization_id,
                project_id=project_id,
                plans=writer.plans,
                now=datetime.now(UTC),
                command_id=request.command_id,
                names=writer.store.names,
            ),
            answers.added_creator if single else answers.added_creators,
        )

    @write_route(post, "/bulk-remove", "removeCreators", status=200)
    def remove_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[CreatorSelection],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkAnswer]:
        """Stop tracking up to 100 creators; creators already removed are skipped."""
        return writer.perform(
            request,
            lambda: creators.remove_creators(
                data.creator_ids,
                organization_id=request.organization_id,
                project_id=project_id,
                names=writer.store.names,
            ),
            answers.bulk_answer,
        )

    @write_route(post, "/bulk-disable", "disableCreators", status=200)
    def disable_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[CreatorSelection],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkAnswer]:
        """Stop scraping up to 100 creators until they are enabled again.

        Creators already disabled are skipped, and removed ones fail.
        """
        return writer.perform(
            request,
            lambda: creators.disable_creators(
                data.creator_ids,
                organization_id=request.organization_id,
                project_id=project_id,
            ),
            answers.bulk_answer,
        )

    @write_route(
        post,
        "/bulk-reenable",
        "reenableCreators",
        errors=[Code.LIMIT_REACHED, Code.PROJECT_ARCHIVED],
        status=200,
    )
    def reenable_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[CreatorSelection],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkAnswer]:
        """Track up to 100 disabled creators again.

        An auto-disabled creator is enabled once in 24 hours; a creator that was
        disabled by hand does not wait.
        """
        return writer.perform(
            request,
            lambda: creators.reenable_creators(
                data.creator_ids,
                organization_id=request.organization_id,
                project_id=project_id,
                plans=writer.plans,
                now=datetime.now(UTC),
                command_id=request.command_id,
            ),
            answers.bulk_answer,
        )

    @write_route(post, "/bulk-tag", "tagCreators", status=200)
    def tag_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[TagChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkAnswer]:
        """Add tags to up to 100 creators and take others away; other tags stay."""
        return writer.perform(
            request,
            lambda: creators.tag_creators(
                data.creator_ids,
                add=data.add,
                remove=data.remove,
                organization_id=request.organization_id,
                project_id=project_id,
            ),
            answers.bulk_answer,
        )
