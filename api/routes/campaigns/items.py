"""/campaigns/{id}/items and /history: the items of a campaign, and its change log."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from api.http.bodies.json_body import OneOf
from api.http.errors import Code
from api.http.reading.as_of import positions_between
from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.campaigns import responses as answers
from api.routes.campaigns.routes import READ_MODEL
from api.routes.campaigns.schemas import CampaignItemId, CampaignItemIds, items_of
from api.routes.history import HistoryEnd, HistoryStart, event_names
from domain.campaign.handlers import items as campaign_items
from domain.errors import NotFoundError
from domain.events import ItemType
from projections.campaigns.history import (
    CAMPAIGN_EVENTS,
    CampaignHistoryQuery,
    page_of_campaign_history,
)
from projections.campaigns.queries import (
    Campaign,
    CampaignMember,
    one_campaign,
    page_of_items,
    was_there,
)
from projections.creator_history.entries import HistoryEntry

_CONFLICTS = [
    Code.CAMPAIGN_CYCLE,
    Code.CAMPAIGN_TOO_DEEP,
    Code.ALREADY_MEMBER,
    Code.ITEM_REMOVED,
    Code.OTHER_PROJECT,
    Code.LIMIT_REACHED,
]
_ID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a44"


def _bodies(item_type: ItemType) -> dict[str, Any]:
    item = {"item_type": item_type, "item_id": _ID}
    return {"CampaignItemId": item, "CampaignItemIds": {"items": [item]}}


_ENTRY: dict[str, Any] = {
    "position": 51207,
    "version": 2,
    "event": "campaign_item_added",
    "about": "campaign",
    "stream": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
    "at": "2026-11-24T14:30:00Z",
    "recorded_at": "2026-11-24T14:30:00Z",
    "actor": "key:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41",
    "actor_name": "key Ops",
    "summary": "Creator @kid-and-kettle added by key Ops.",
    "data": {"item_type": "creator", "item_id": _ID},
    "is_derived": False,
    "correlation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a42",
    "causation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a43",
}


class CampaignItemRoutes(Controller):
    """The items directly in a campaign, and its history."""

    path = "/campaigns/{campaign_id:uuid}"
    tags = ("Campaigns",)
    entities: ClassVar = {"campaign_item": CampaignMember}

    @read_route("/items", "listCampaignItems")
    async def list_items(
        self,
        campaign_id: FromPath[UUID],
        listing: NamedDependency[ListRequest],
        item_type: FromQuery[ItemType | None] = None,
    ) -> ListPage[CampaignMember]:
        """List the items directly in a campaign, the last added first.

        Creators and videos stay items of the campaign after they were removed or
        excluded.
        """
        reader, organization_id = listing.reader, listing.organization_id
        await listing.caught_up(READ_MODEL, "creator_list", "videos")
        if await one_campaign(reader, organization_id, campaign_id) is None:
            raise NotFoundError("campaign")
        return await listing.page(
            "campaign_items",
            lambda limit, after: page_of_items(
                reader,
                organization_id,
                campaign_id,
                item_type=item_type,
                limit=limit,
                after=after,
            ),
            filters={"campaign_id": campaign_id, "item_type": item_type},
            key=lambda row: (row.position,),
            after=tuple[int],
        )

    @write_route(
        post,
        "/items",
        "addCampaignItems",
        errors=_CONFLICTS,
        body_examples=_bodies("creator"),
        responses={
            200: ResponseSpec(
                Campaign, description="All of the items were in the campaign before."
            )
        },
    )
    def add_items(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        data: OneOf[CampaignItemId | CampaignItemIds],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Campaign]:
        """Put a creator, video or campaign into a campaign, or up to 100 at once.

        All items must be in the campaign's project. Either all are added or none: then
        `meta.items` has the index, the code and the reason of each item that was
        refused. Items that are in the campaign already stay in it, each once. A
        campaign cannot contain itself, directly or through others, and campaigns can be
        nested at most 10 deep.
        """
        items = items_of(data)
        return writer.perform(
            request,
            lambda: campaign_items.add_items(
                campaign_id,
                items,
                organization_id=request.organization_id,
                plans=writer.plans,
            ),
            answers.campaign_with_items,
        )

    @write_route(
        delete, "/items", "removeCampaignItems", body_examples=_bodies("video")
    )
    def remove_items(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        data: OneOf[CampaignItemId | CampaignItemIds],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Campaign]:
        """Take an item out of a campaign, or up to 100 items at once.

        Either all are taken out or none: if some are not in the campaign, `meta.items`
        has the index of each of them.
        """
        items = items_of(data)
        return writer.perform(
            request,
            lambda: campaign_items.remove_items(
                campaign_id,
                items,
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_campaign,
        )

    @read_route("/history", "listCampaignHistory", example=[_ENTRY])
    async def list_history(
        self,
        campaign_id: FromPath[UUID],
        listing: NamedDependency[ListRequest],
        event: Annotated[
            str | None,
            QueryParameter(
                max_length=1_000,
                description="Names of events, separated by commas; all events if left "
                f"out. Names: {', '.join(sorted(CAMPAIGN_EVENTS))}.",
            ),
        ] = None,
        from_: HistoryStart = None,
        to: HistoryEnd = None,
    ) -> ListPage[HistoryEntry]:
        """List the history of a campaign, which may be deleted, newest event first.

        `campaign_joined` and `campaign_left` say that the campaign was put into another
        campaign, or taken out of it.
        """
        reader, organization_id = listing.reader, listing.organization_id
        events = None if event is None else event_names(event, known=CAMPAIGN_EVENTS)
        await listing.caught_up(READ_MODEL, "creator_list", "videos")
        if not await was_there(reader, organization_id, campaign_id):
            raise NotFoundError("campaign")
        first, last = await positions_between(reader, organization_id, from_, to)
        return await listing.page(
            "campaign_history",
            lambda limit, after: page_of_campaign_history(
                reader,
                CampaignHistoryQuery(
                    organization_id=organization_id,
                    campaign_id=campaign_id,
                    first=first,
                    last=last if after is None else min(last, after[0] - 1),
                    events=events,
                    limit=limit,
                ),
            ),
            filters={
                "campaign_id": campaign_id,
                "event": event,
                "from": from_,
                "to": to,
            },
            key=lambda entry: (entry.position,),
            after=tuple[int],
        )
