"""/campaigns: the list, and one campaign."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from msgspec.structs import asdict

from api.http.errors import ApiError, Code
from api.http.reading.as_of import resolve_as_of
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.aggregate.parameters import Behind
from api.routes.analytics.parameters import Zone, zone_named
from api.routes.campaigns import responses as answers
from api.routes.campaigns.schemas import (
    CampaignChange,
    NewCampaign,
    changing_commands,
    creating_commands,
)
from api.routes.creators.schemas import check_sizes
from domain.analytics.targets import Progress
from domain.campaign.handlers import campaigns
from domain.errors import NotFoundError
from domain.messages import copied
from infra.ids import new_id
from projections.analytics.summaries.campaigns import campaigns_behind
from projections.analytics.summaries.scope import known_scope
from projections.analytics.summaries.target_counts import (
    CampaignTarget,
    progress_of_campaigns,
)
from projections.campaigns.queries import (
    Campaign,
    campaigns_as_of,
    one_campaign,
    page_of_campaigns,
)
from projections.engine.reader import Reader

READ_MODEL = "campaigns"


class ShownCampaign(Campaign, frozen=True, kw_only=True):
    """A campaign and the progress, null without a target and a cost.

    The campaign's days begin, and whole days are counted, in the time zone ``tz``.
    """

    progress: Progress | None
    tz: str

    @property
    def FIGURE_FIELDS(self) -> tuple[str, ...]:  # noqa: N802 - as ETags read it
        return () if self.progress is None else ("progress",)


class CampaignRoutes(Controller):
    """The list of campaigns, and one campaign."""

    tags = ("Campaigns",)
    entities: ClassVar = {"campaign": Campaign}

    @read_route("/campaigns", "listCampaigns")
    async def list_campaigns(
        self,
        listing: NamedDependency[ListRequest],
        project_id: FromQuery[UUID | None] = None,
        search: Annotated[
            str | None,
            QueryParameter(max_length=200, description="A part of the name."),
        ] = None,
        *,
        behind: Behind = False,
    ) -> ListPage[Campaign]:
        """List campaigns, newest first."""
        term = (search or "").strip().lower() or None
        ids = None
        await listing.caught_up(READ_MODEL)
        if behind:
            await listing.caught_up("analytics")
            ids = await campaigns_behind(
                listing.reader,
                listing.organization_id,
                project_id,
                now=datetime.now(UTC),
            )
        return await listing.page(
            "campaigns",
            lambda limit, after: page_of_campaigns(
                listing.reader,
                listing.organization_id,
                project_id=project_id,
                search=term,
                ids=ids,
                limit=limit,
                after=after,
            ),
            filters={
                "project_id": project_id,
                "search": term,
                **({"behind": True} if behind else {}),
            },
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/campaigns/{campaign_id:uuid}", "getCampaign")
    async def get_campaign(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        as_of: Annotated[
            str | None,
            QueryParameter(
                max_length=64,
                description="A time or a position of the log; the campaign as it was "
                "recorded then.",
            ),
        ] = None,
        tz: Zone = None,
    ) -> Answer[ShownCampaign]:
        """Show one campaign with its progress, now or as it was recorded at `as_of`.

        With `as_of` and `tz` the numbers stay the same for ever, whatever is recorded
        later and whichever time zone the organization has then.

        A past state has the version of that time and no ETag, and is never answered
        with 304. A deleted campaign is found only as of a time before its deletion.
        """
        organization_id = request.organization_id
        zone = None if tz is None else zone_named(tz)
        await caught_up(request, reader, READ_MODEL, "analytics")
        now = datetime.now(UTC)
        if as_of is None:
            row = await one_campaign(reader, organization_id, campaign_id)
            shown = row and await _shown(reader, row, zone, now=now)
            return found("campaign", shown)
        at = await resolve_as_of(reader, organization_id, as_of, now=now)
        rows = await campaigns_as_of(
            reader, organization_id, [campaign_id], at=at.position
        )
        if not rows:
            raise NotFoundError("campaign")
        return Answer(await _shown(reader, rows[0], zone, now=at.now, at=at.position))

    @write_route(
        post,
        "/projects/{project_id:uuid}/campaigns",
        "createCampaign",
        errors=[Code.LIMIT_REACHED],
    )
    def create_campaign(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[NewCampaign],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Campaign]:
        """Create a campaign in a project."""
        check_sizes(data)
        campaign_id, organization_id = new_id(), request.organization_id
        commands = creating_commands(
            data, organization_id=organization_id, project_id=project_id
        )
        return writer.perform(
            request,
            lambda: campaigns.create_campaign(
                campaign_id,
                commands,
                organization_id=organization_id,
                project_id=project_id,
                plans=writer.plans,
            ),
            answers.campaign_with_items,
        )

    @write_route(patch, "/campaigns/{campaign_id:uuid}", "changeCampaign")
    def change_campaign(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        data: JSONBody[CampaignChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Campaign]:
        """Change a campaign: its name, notes, days, targets and cost."""
        check_sizes(data)
        commands = changing_commands(data)
        return writer.perform(
            request,
            lambda: campaigns.change_campaign(
                campaign_id,
                commands,
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_campaign,
        )

    @write_route(delete, "/campaigns/{campaign_id:uuid}", "deleteCampaign")
    def delete_campaign(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Campaign]:
        """Delete a campaign and its memberships; its history stays.

        Its creators and videos are still tracked. The campaign also leaves the
        campaigns that it is in; videos that counted there only through the deleted
        campaign do not count there any more.
        """
        return writer.perform(
            request,
            lambda: campaigns.delete_campaign(
                campaign_id,
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_campaign,
        )

    @read_route(
        "/campaigns/{campaign_id:uuid}/stats",
        "getCampaignStats",
        is_gone=True,
        is_deprecated=True,
    )
    async def get_campaign_stats(self, campaign_id: FromPath[UUID]) -> Response[None]:
        """Gone: use GET /analytics."""
        raise ApiError(
            Code.GONE,
            "Use GET /api/v1/analytics?entity=campaign&"
            f"entity_id={campaign_id} instead.",
        )


async def _shown(
    reader: Reader,
    campaign: Campaign,
    zone: ZoneInfo | None,
    *,
    now: datetime,
    at: int | None = None,
) -> ShownCampaign:
    organization_id = campaign.org_id
    _, own = await known_scope(reader, organization_id, "campaign", campaign.id)
    tz = own if zone is None else zone.key
    target = copied(campaign, CampaignTarget, time_zone=tz)
    if not target.is_measured:
        return ShownCampaign(**asdict(campaign), progress=None, tz=tz)
    found = await progress_of_campaigns(
        reader, organization_id, [target], now=now, at=at
    )
    return ShownCampaign(**asdict(campaign), progress=found[campaign.id], tz=tz)
