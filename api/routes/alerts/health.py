"""/program-health: freshness and coverage of each creator."""

from datetime import datetime
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.http.reading.paging import ListRequest
from api.http.responses import ListPage
from api.http.routes import read_route
from projections.alerts.health import CreatorHealth, page_of_health

_READ_MODELS = ("creator_list", "analytics")


class ProgramHealthRoutes(Controller):
    """The health of a program."""

    path = "/program-health"
    tags = ("Alerts",)

    @read_route("/", "listProgramHealth")
    async def list_program_health(
        self,
        listing: NamedDependency[ListRequest],
        project_id: FromQuery[UUID | None] = None,
    ) -> ListPage[CreatorHealth]:
        """List how fresh and complete the data of tracked creators are.

        Creators that were not seen for longest come first.
        """
        await listing.caught_up(*_READ_MODELS)
        return await listing.page(
            "program_health",
            lambda limit, after: page_of_health(
                listing.reader,
                listing.organization_id,
                project_id=project_id,
                limit=limit,
                after=after,
            ),
            filters={"project_id": project_id},
            key=lambda row: (row.seen_at or row.added_at, row.creator_id),
            after=tuple[datetime, UUID],
        )
