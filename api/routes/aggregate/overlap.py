"""The summary of the overlap between campaigns."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.request import Request
from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    PostedFrom,
    PostedTo,
    summary_of,
)
from api.routes.aggregate.responses import SUMMARY, RowsPart
from api.routes.analytics.parameters import PeriodParameter, ids_between_commas
from api.routes.analytics.routes import From, To, Zone
from domain.errors import NotFoundError
from projections.analytics.summaries.overlap import (
    known_campaigns,
    newest_campaigns,
    shared_creators,
    shared_videos,
)
from projections.engine.reader import Reader

FEWEST_CAMPAIGNS = 2
MOST_CAMPAIGNS = 10


class MemberOverlapRow(Struct, frozen=True, kw_only=True):
    """The creators and videos that two campaigns share, by their present members.

    ``shared_videos`` counts counted videos. ``jaccard_creators`` and ``jaccard_videos``
    divide the number in both campaigns by the number in at least one of them (the
    Jaccard index, 0 to 1). They are null if neither campaign has any.
    """

    a: UUID
    b: UUID
    shared_creators: int
    shared_videos: int
    jaccard_creators: float | None
    jaccard_videos: float | None


class OverlapRoutes(Controller):
    """Campaigns compared in pairs."""

    path = "/analytics/aggregate"
    tags = ("Summaries",)
    dependencies = SUMMARY

    @read_route("/member-overlap", "getMemberOverlap", **OPTIONS)
    async def get_member_overlap(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        part: NamedDependency[RowsPart],
        campaign_ids: Annotated[
            str | None,
            QueryParameter(
                description="2 to 10 ids, separated by commas; required without "
                "project_id."
            ),
        ] = None,
        project_id: Annotated[
            UUID | None,
            QueryParameter(
                description="The project whose 10 newest campaigns are compared, in "
                "place of campaign_ids."
            ),
        ] = None,
        period: PeriodParameter = None,
        from_: From = None,
        to: To = None,
        tz: Zone = None,
        posted_from: PostedFrom = None,
        posted_to: PostedTo = None,
    ) -> CountedList[MemberOverlapRow]:
        """Show the creators and videos that campaigns share, pair by pair.

        The pairs follow the order of the ids, and those of a project begin with its
        newest campaign; there are none if it has fewer than two. Members are the
        present members, whatever
        ``from`` and ``to`` are; ``posted_from`` and ``posted_to`` select videos.
        """
        ids = _ids(campaign_ids, project_id)
        kind, of = ("project", project_id) if project_id else ("campaign", ids[0])
        summary = await summary_of(
            request, reader, kind, of, from_, to, tz,
            period=period, posted=(posted_from, posted_to),
        )  # fmt: skip
        organization_id = request.organization_id
        if project_id is not None:
            ids = await newest_campaigns(
                reader, organization_id, project_id, at_most=MOST_CAMPAIGNS
            )
        elif len(await known_campaigns(reader, organization_id, ids)) < len(ids):
            raise NotFoundError("campaign")
        creators = await shared_creators(reader, organization_id, ids)
        videos = await shared_videos(reader, summary.scope, ids)
        rows = [
            MemberOverlapRow(
                a=a,
                b=b,
                shared_creators=creators[a, b].shared,
                shared_videos=videos[a, b].shared,
                jaccard_creators=creators[a, b].jaccard,
                jaccard_videos=videos[a, b].jaccard,
            )
            for a, b in creators
        ]
        return part.answer(
            MemberOverlapRow,
            part.of(rows),
            total_count=len(rows),
            name="member-overlap",
        )


def _ids(campaign_ids: str | None, project_id: UUID | None) -> list[UUID]:
    """Return the ids of campaigns in the request, none if it names a project.

    Raises:
        ApiError: ``invalid_query``, if the request names both or neither.
    """
    if project_id is not None:
        if campaign_ids is not None:
            message = "must be left out where campaigns are given"
            raise invalid_query("project_id", message)
        return []
    if campaign_ids is None:
        raise invalid_query("campaign_ids", "is required, or a project")
    return ids_between_commas(
        "campaign_ids",
        campaign_ids,
        at_least=FEWEST_CAMPAIGNS,
        at_most=MOST_CAMPAIGNS,
    )
