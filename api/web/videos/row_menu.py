"""/videos/{id}/actions: what can be done with one video of the list."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.routes.videos.schemas import QueuedVideoScrape
from api.web.creator.videos import count_videos, row_of
from api.web.kit.forms.project_choices import some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.selection import MenuQuery, id_in, list_address
from api.web.videos.page import PATH
from projections.campaigns.queries import Campaign
from projections.videos.queries import Video


class VideoActionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The video, the campaign to add it to, and ``back``, the address of the list."""

    only: str
    campaign_id: str = ""
    back: str = PATH


class VideoRowMenu(Controller):
    """The menu of a row: a script shows it at the row, and else it is a page."""

    path = PATH

    @page_route("/{video_id:uuid}/actions", query=MenuQuery)
    async def menu(
        self,
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        choices: NamedDependency[MenuQuery],
    ) -> Template:
        """Show the actions that the video's state allows."""
        video = (await page.get(f"{PATH}/{video_id}", Video)).data
        context = {
            "row": row_of(video),
            "video": video,
            "back": list_address(choices.back, PATH),
            "may_write": page.may("write") and not video.is_erased,
            "campaigns": await some_campaigns(page, project_id=video.project_id),
        }
        return page.show("videos/menu.html", context)

    @form_route("/include", form=VideoActionForm)
    async def include(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Let the video count."""
        video = await _chosen(page)
        await count_videos(page, video.project_id, [str(video.id)], counts=True)
        return _done(page, "The video is included now.")

    @form_route("/exclude", form=VideoActionForm)
    async def exclude(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Leave the video out of every number."""
        video = await _chosen(page)
        await count_videos(page, video.project_id, [str(video.id)], counts=False)
        return _done(page, "The video is excluded now.")

    @form_route("/scrape", form=VideoActionForm)
    async def scrape(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Request a scrape of the video."""
        video = await _chosen(page)
        await page.send("POST", f"{PATH}/{video.id}/scrape", QueuedVideoScrape)
        return _done(page, "The scrape is on its way.")

    @form_route("/add-to-campaign", form=VideoActionForm)
    async def add_to_campaign(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Add the video to a campaign of its project."""
        text = page.form(VideoActionForm).campaign_id
        if not text:
            return _done(page, "Choose a campaign first.")
        video = await _chosen(page)
        path = f"/campaigns/{id_in(text, 'campaign_id')}/items"
        body = {"items": [{"item_type": "video", "item_id": str(video.id)}]}
        got = await page.send("POST", path, Campaign, body)
        return _done(page, f"The video is in the campaign {got.data.name} now.")

    @form_route("/remove", form=VideoActionForm)
    async def remove(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Remove the video from all lists and numbers."""
        video = await _chosen(page)
        await page.send("DELETE", f"{PATH}/{video.id}", Video)
        return _done(page, "The video is removed. Removed videos can be put back.")


async def _chosen(page: PageContext) -> Video:
    video_id = id_in(page.form(VideoActionForm).only, "only")
    return (await page.get(f"{PATH}/{video_id}", Video)).data


def _done(page: PageContext, message: str) -> PageResponse:
    page.flash(message)
    return page.go_to(list_address(page.form(VideoActionForm).back, PATH))
