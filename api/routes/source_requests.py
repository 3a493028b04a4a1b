"""Requests to sources and their costs, by organization and by creator."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.http.writer import CommandWriter
from domain.errors import NotFoundError
from infra.database import run_read
from projections.creators.queries import one_creator
from projections.engine.reader import Reader
from projections.scrape_runs.source_requests import (
    MOST_DAYS,
    OrganizationRequests,
    SourceRequests,
    requests_of_creator,
    requests_of_organizations,
)

_OPERATOR: dict[str, Any] = {
    "scope": "admin",
    "operator": True,
    "whole_organization": True,
    "versioned": False,
}


class SourceRequestRoutes(Controller):
    """The number of requests to each source, and their costs."""

    @read_route(
        "/sources/requests", "listSourceRequests", tags=["Administration"], **_OPERATOR
    )
    async def of_organizations(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
        days: Annotated[
            int,
            QueryParameter(
                ge=1,
                le=MOST_DAYS,
                description="The number of days (UTC), including today.",
            ),
        ] = 1,
    ) -> Answer[list[OrganizationRequests]]:
        """List the requests of each organization to each source, and their costs.

        Requests are counted when they are sent, those of checks included.
        """
        await caught_up(request, reader, "api_keys")
        return Answer(
            await asyncio.to_thread(
                run_read,
                writer.store.pool,
                lambda connection: requests_of_organizations(connection, days=days),
            )
        )

    @read_route(
        "/creators/{creator_id:uuid}/source-requests",
        "listCreatorSourceRequests",
        tags=["Creators"],
        versioned=False,
    )
    async def of_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[list[SourceRequests]]:
        """List the requests for a creator and their costs, by day for 30 days."""
        await caught_up(request, reader, "creator_list")
        organization_id = request.organization_id
        if await one_creator(reader, organization_id, creator_id) is None:
            raise NotFoundError("creator")
        return Answer(await requests_of_creator(reader, organization_id, creator_id))
