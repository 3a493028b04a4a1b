"""/campaigns/{id}/members: what is in a campaign, added by a search."""

import asyncio
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.web.campaigns.layout import get_campaign, show_campaign
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.events import ItemType
from projections.campaigns.queries import Campaign, CampaignMember
from projections.creators.creator import Creator

_FOUND = 20
_SHOWN = {
    Code.CAMPAIGN_CYCLE,
    Code.CAMPAIGN_TOO_DEEP,
    Code.ALREADY_MEMBER,
    Code.ITEM_REMOVED,
    Code.OTHER_PROJECT,
    Code.LIMIT_REACHED,
}


class MemberForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Things to add or remove, each as its kind and id with a colon between."""

    item: list[str] = []
    act: str = "add"
    search: str = ""


class Candidate(Struct, frozen=True, kw_only=True):
    """Something that a search found, which may be added."""

    item: str
    name: str
    about: str


class CampaignMembers(Controller):
    """The members of one campaign."""

    path = "/campaigns/{campaign_id:uuid}/members"

    @page_route()
    async def members(
        self,
        page: NamedDependency[PageContext],
        campaign_id: FromPath[UUID],
        search: Annotated[str, QueryParameter(max_length=100)] = "",
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the members, and what a search finds to add."""
        return await _show(page, campaign_id, search=search.strip(), cursor=cursor)

    @form_route(form=MemberForm)
    async def change(
        self, page: NamedDependency[PageContext], campaign_id: FromPath[UUID]
    ) -> PageResponse:
        """Add or remove the chosen ones: all of them, or none."""
        form = page.form(MemberForm)
        path = f"/campaigns/{campaign_id}"
        if not form.item:
            page.flash("Nothing was chosen.")
            return page.go_to(f"{path}/members")
        items = [
            dict(zip(("item_type", "item_id"), item.split(":", 1), strict=False))
            for item in form.item
        ]
        is_removal = form.act == "remove"
        method = "DELETE" if is_removal else "POST"
        try:
            await page.send(method, f"{path}/items", Campaign, {"items": items})
        except ApiRefusedError as error:
            if error.code not in _SHOWN:
                raise
            return await _show(page, campaign_id, search=form.search, error=error)
        amount = "1 member" if len(items) == 1 else f"{len(items)} members"
        page.flash(f"{amount} {'removed' if is_removal else 'added'}.")
        return page.go_to(f"{path}/members")


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
        _candidates(page, campaign, search),
    )
    members = {f"{one.item_type}:{one.item_id}" for one in got.data}
    context = {
        "members": got.data,
        "more_url": got.next_url(f"{path}/members"),
        "search": search,
        "candidates": [one for one in found if one.item not in members],
    }
    return show_campaign(page, "campaigns/members.html", campaign, context, error=error)


async def _candidates(
    page: PageContext, campaign: Campaign, search: str
) -> list[Candidate]:
    """Return creators and campaigns of the project that a search finds."""
    if not page.may("write"):
        return []
    project_id = str(campaign.project_id)
    creators, campaigns = await asyncio.gather(
        page.get(
            "/creators",
            list[Creator],
            project_id=project_id,
            search=search,
            limit=_FOUND,
        ),
        page.get(
            "/campaigns",
            list[Campaign],
            project_id=project_id,
            search=search,
            limit=_FOUND,
        ),
    )
    kinds: tuple[ItemType, ItemType] = ("creator", "campaign")
    return [
        *(
            Candidate(
                item=f"{kinds[0]}:{one.id}",
                name=one.display_name or f"@{one.tiktok_handle}",
                about=f"@{one.tiktok_handle}" if one.display_name else "",
            )
            for one in creators.data
        ),
        *(
            Candidate(item=f"{kinds[1]}:{one.id}", name=one.name, about="campaign")
            for one in campaigns.data
            if one.id != campaign.id
        ),
    ]
