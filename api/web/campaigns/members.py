"""/campaigns/{id}/members: the items of a campaign, and a search that adds them."""

import asyncio
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.web.campaigns.candidates import (
    NEW_VIDEO,
    Candidate,
    candidates,
    track_video,
)
from api.web.campaigns.layout import get_campaign, show_campaign
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from projections.campaigns.queries import Campaign, CampaignMember

_LONGEST_SEARCH = 300
_SHOWN = {
    Code.CAMPAIGN_CYCLE,
    Code.CAMPAIGN_TOO_DEEP,
    Code.ALREADY_MEMBER,
    Code.ITEM_REMOVED,
    Code.OTHER_PROJECT,
    Code.LIMIT_REACHED,
    Code.INVALID_BODY,
    Code.CREATOR_BANNED,
}


class MemberForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items to add or remove, each as its kind and id with a colon between."""

    item: list[str] = []
    act: str = "add"
    search: str = ""


class CampaignMembers(Controller):
    path = "/campaigns/{campaign_id:uuid}/members"

    @page_route()
    async def members(
        self,
        page: NamedDependency[PageContext],
        campaign_id: FromPath[UUID],
        search: Annotated[str, QueryParameter(max_length=_LONGEST_SEARCH)] = "",
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the members, and the items that a search finds."""
        return await _show(page, campaign_id, search=search.strip(), cursor=cursor)

    @form_route(form=MemberForm)
    async def change(
        self, page: NamedDependency[PageContext], campaign_id: FromPath[UUID]
    ) -> PageResponse:
        """Add or remove the chosen items: all of them, or none."""
        form = page.form(MemberForm)
        path = f"/campaigns/{campaign_id}"
        if not form.item:
            page.flash("Nothing was chosen.")
            return page.go_to(f"{path}/members")
        is_removal = form.act == "remove"
        method = "DELETE" if is_removal else "POST"
        try:
            items = [await _item(page, campaign_id, item) for item in form.item]
            await page.send(method, f"{path}/items", Campaign, {"items": items})
        except ApiRefusedError as error:
            if error.code not in _SHOWN:
                raise
            return await _show(page, campaign_id, search=form.search, error=error)
        amount = "1 member" if len(items) == 1 else f"{len(items)} members"
        page.flash(f"{amount} {'removed' if is_removal else 'added'}.")
        return page.go_to(f"{path}/members")


async def _item(page: PageContext, campaign_id: UUID, text: str) -> dict[str, str]:
    """Return an item for the API; an untracked video is tracked first."""
    kind, _, item_id = text.partition(":")
    if kind == NEW_VIDEO:
        campaign = await get_campaign(page, campaign_id)
        kind = "video"
        item_id = str(await track_video(page, campaign.project_id, item_id))
    return {"item_type": kind, "item_id": item_id}


async def _nothing() -> list[Candidate]:
    return []


async def _show(
    page: PageContext,
    campaign_id: UUID,
    *,
    search: str = "",
    cursor: str = "",
    error: ApiRefusedError | None = None,
) -> Template:
    campaign = await get_campaign(page, campaign_id)
    path = f"/campaigns/{campaign_id}"
    got, found = await asyncio.gather(
        page.get(
            f"{path}/items", list[CampaignMember], limit=100, cursor=cursor.strip()
        ),
        candidates(page, campaign, search) if page.may("write") else _nothing(),
    )
    members = {f"{one.item_type}:{one.item_id}" for one in got.data}
    context = {
        "members": got.data,
        "more_url": got.next_url(f"{path}/members"),
        "search": search,
        "candidates": [one for one in found if one.item not in members],
    }
    return show_campaign(page, "campaigns/members.html", campaign, context, error=error)
