"""The search for items to add to a campaign: creators, campaigns and single videos."""

import asyncio
from typing import Final
from uuid import UUID

from msgspec import Struct

from api.http.error_codes import Code
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from domain.errors import InvalidVideoUrlError
from domain.video.url import read_video_url
from domain.written import short
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator
from projections.videos.queries import Video

# The kind of an item that is not tracked yet: its URL follows the colon.
NEW_VIDEO: Final = "url"
_FOUND: Final = 20
_MOST_DIGITS: Final = 19


class Candidate(Struct, frozen=True, kw_only=True):
    """An item that may be added: its kind and id with a colon between, and its name."""

    item: str
    name: str
    about: str


async def candidates(
    page: PageContext, campaign: Campaign, search: str
) -> list[Candidate]:
    """Return creators, campaigns and videos of the project that a search finds.

    The link or id of a video finds only that video. Without a search no videos are
    returned, because there are too many.
    """
    tiktok_video_id = _video_named(search)
    if tiktok_video_id is not None:
        return await _one_video(page, campaign, search, tiktok_video_id)
    query = {"project_id": str(campaign.project_id), "search": search, "limit": _FOUND}
    creators, campaigns = await asyncio.gather(
        page.get("/creators", list[Creator], **query),
        page.get("/campaigns", list[Campaign], **query),
    )
    videos = (await page.get("/videos", list[Video], **query)).data if search else []
    return [
        *(
            Candidate(
                item=f"creator:{one.id}",
                name=one.display_name or f"@{one.tiktok_handle}",
                about=f"@{one.tiktok_handle}" if one.display_name else "",
            )
            for one in creators.data
        ),
        *(
            Candidate(item=f"campaign:{one.id}", name=one.name, about="campaign")
            for one in campaigns.data
            if one.id != campaign.id
        ),
        *map(_video, videos),
    ]


async def _one_video(
    page: PageContext, campaign: Campaign, search: str, tiktok_video_id: str
) -> list[Candidate]:
    """Return the named video; an untracked video by its URL."""
    try:
        video_id = await page.site.video_id(
            page.principal.organization_id, campaign.project_id, tiktok_video_id
        )
        return [_video((await page.get(f"/videos/{video_id}", Video)).data)]
    except ApiRefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    if search.isdigit():
        return []
    about = "not tracked yet: it counts in the project as well"
    return [Candidate(item=f"{NEW_VIDEO}:{search}", name=search, about=about)]


async def track_video(page: PageContext, project_id: UUID, url: str) -> UUID:
    """Add a video to a project by its URL; return its id.

    Raises:
        ApiRefusedError: the API refused.
    """
    path = f"/projects/{project_id}/videos"
    got = await page.send("POST", path, Video, {"url": url}, key_suffix="-video")
    return got.data.id


def _video(video: Video) -> Candidate:
    views = "" if video.view_count is None else f", {short(video.view_count)} views"
    return Candidate(
        item=f"video:{video.id}",
        name=video.title or f"Video {video.tiktok_video_id}",
        about=f"video{views}",
    )


def _video_named(search: str) -> str | None:
    if search.isascii() and search.isdigit() and len(search) <= _MOST_DIGITS:
        return search
    try:
        return read_video_url(search).tiktok_video_id
    except InvalidVideoUrlError:
        return None
