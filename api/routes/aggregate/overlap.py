"""The summary of the overlap between campaigns."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.request import Request
from api.http.responses import CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    PostedFrom,
    PostedTo,
    summary_of,
)
from api.routes.aggregate.responses import RowsPart
from api.routes.analytics.parameters import PeriodParameter, ids_between_commas
from api.routes.analytics.routes import From, To, Zone
from domain.errors import NotFoundError
from projections.analytics.summaries.overlap import (
    known_campaigns,
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

    @read_route("/member-overlap", "getMemberOverlap", **OPTIONS)
    async def get_member_overlap(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        part: NamedDependency[RowsPart],
        campaign_ids: Annotated[
            str, QueryParameter(description="2 to 10 ids, separated by commas.")
        ],
        period: PeriodParameter = None,
        from_: From = None,
        to: To = None,
        tz: Zone = None,
        posted_from: PostedFrom = None,
        posted_to: PostedTo = None,
    ) -> CountedList[MemberOverlapRow]:
        """Show the creators and videos that campaigns share, pair by pair.

        The pairs follow the order of the ids. Members are the present members, whatever
        ``from`` and ``to`` are; ``posted_from`` and ``posted_to`` select videos.
        """
        ids = ids_between_commas(
            "campaign_ids",
            campaign_ids,
            at_least=FEWEST_CAMPAIGNS,
            at_most=MOST_CAMPAIGNS,
        )
        summary = await summary_of(
            request, reader, "campaign", ids[0], from_, to, tz,
            period=period, posted=(posted_from, posted_to),
        )  # fmt: skip
        organization_id = request.organization_id
        if len(await known_campaigns(reader, organization_id, ids)) < len(ids):
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
