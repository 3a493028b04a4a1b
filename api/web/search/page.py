"""/search: everything that has a name, found as the API finds it."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlencode

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from api.web.search.places import PLACES, NamedPlace
from domain.written import short
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator
from projections.videos.queries import Video

PATH = "/search"

_MOST_FOUND = 8
# The API takes texts up to this length.
_LONGEST = 100


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    """The text to search for."""

    q: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """A thing with its address; ``about`` tells it from others of its name."""

    name: str
    path: str
    about: str = ""
    is_theirs: bool = True


class FoundGroup(Struct, frozen=True, kw_only=True):
    """Things of one kind; ``more`` is the address of the list of all of them."""

    title: str
    found: Sequence[Found]
    more: str = ""

    @property
    def amount(self) -> int:
        return len(self.found)


class SearchPages(Controller):
    """The search of the whole organization."""

    path = PATH

    @page_route(query=SearchQuery)
    async def search(
        self, page: NamedDependency[PageContext], choices: NamedDependency[SearchQuery]
    ) -> Template:
        """Show what has the text in its name."""
        text = choices.q.strip()[:_LONGEST]
        groups = [*(await _things(page, text) if text else []), *_places(page, text)]
        context = {"text": text, "groups": [one for one in groups if one.found]}
        return page.show("search/search.html", context)


async def _things(page: PageContext, text: str) -> list[FoundGroup]:
    """Return the creators, videos, campaigns and projects that the API finds."""
    query = {"search": text, "limit": _MOST_FOUND}
    creators, videos, campaigns = await asyncio.gather(
        page.get("/creators", list[Creator], **query),
        page.get("/videos", list[Video], **query),
        page.get("/campaigns", list[Campaign], **query),
    )
    projects = page.organization.projects
    names = {id_: name for id_, name in projects.items() if len(projects) > 1}
    listed = f"?{urlencode({'search': text, 'project': 'all'})}"
    return [
        FoundGroup(
            title="Creators",
            found=[
                _creator(one, names.get(one.project_id, "")) for one in creators.data
            ],
            more=f"/creators{listed}" if creators.meta["nextCursor"] else "",
        ),
        FoundGroup(
            title="Campaigns",
            found=[
                Found(
                    name=one.name,
                    path=f"/campaigns/{one.id}",
                    about=names.get(one.project_id, ""),
                )
                for one in campaigns.data
            ],
        ),
        FoundGroup(
            title="Projects",
            found=[
                Found(name=name, path=f"/?project={id_}")
                for id_, name in projects.items()
                if text.casefold() in name.casefold()
            ][:_MOST_FOUND],
        ),
        FoundGroup(
            title="Videos",
            found=[_video(one) for one in videos.data if one.creator_id],
            more=f"/videos{listed}" if videos.meta["nextCursor"] else "",
        ),
    ]


def _creator(creator: Creator, project: str) -> Found:
    handle = f"@{creator.tiktok_handle}"
    about = [handle] if creator.display_name else []
    return Found(
        name=creator.display_name or handle,
        path=f"/creators/{creator.id}",
        about=", ".join([*about, *([project] if project else [])]),
    )


def _video(video: Video) -> Found:
    views = "" if video.view_count is None else f"{short(video.view_count)} views"
    return Found(
        name=video.title or f"Video {video.tiktok_video_id}",
        path=f"/creators/{video.creator_id}/videos/{video.id}",
        about=views,
    )


def _places(page: PageContext, text: str) -> list[FoundGroup]:
    """Return the pages and actions that the key may use."""
    named = [
        place
        for place in PLACES
        if place.is_named(text)
        and page.may(place.scope)
        and (page.operates or not place.is_of_operators)
    ]
    return [
        FoundGroup(title="Actions", found=[_place(p) for p in named if p.is_action]),
        FoundGroup(title="Pages", found=[_place(p) for p in named if not p.is_action]),
    ]


def _place(place: NamedPlace) -> Found:
    return Found(name=place.label, path=place.path, is_theirs=False)
