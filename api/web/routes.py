"""All pages there are, and what they have in common."""

from typing import Any

from litestar import Router
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler

from api.ending import ENDING
from api.requests import Request
from api.web.adding import AddingPage
from api.web.bans import BanPages
from api.web.changes import ChangesPages
from api.web.compare import ComparePage
from api.web.creator_notes import CreatorNotes
from api.web.creator_settings import CreatorSettings
from api.web.creator_video import CreatorVideo
from api.web.creator_videos import CreatorVideos
from api.web.creators import CreatorsPage
from api.web.failures import answer_page_failure
from api.web.inbox import InboxPages
from api.web.jobs import JobPages
from api.web.keys import KeyPages
from api.web.operations import OperationsPage
from api.web.organization import OrganizationPages
from api.web.overview import OverviewPage
from api.web.projection_board import Board
from api.web.projections import ProjectionPages
from api.web.projects import ProjectPages
from api.web.scraping import ScrapesPage
from api.web.selections import SelectionPages
from api.web.sign_in import Door, SignInRoutes
from api.web.site import Site
from api.web.visits import Visit

PAGES: tuple[ControllerRouterHandler, ...] = (
    SignInRoutes,
    CreatorsPage,
    OverviewPage,
    ScrapesPage,
    ComparePage,
    CreatorNotes,
    CreatorSettings,
    CreatorVideos,
    CreatorVideo,
    ChangesPages,
    InboxPages,
    AddingPage,
    SelectionPages,
    OperationsPage,
    ProjectionPages,
    JobPages,
    OrganizationPages,
    ProjectPages,
    KeyPages,
    BanPages,
)


def web_routes(site: Site, door: Door) -> list[ControllerRouterHandler]:
    """Return the routes of the pages and of their assets."""
    return [
        site.assets.route(),
        Router(
            "/",
            route_handlers=list(PAGES),
            dependencies={
                "site": _provide(site),
                "board": _provide(Board(ENDING)),
                "door": _provide(door),
                "visit": Provide(_begin),
            },
            exception_handlers={Exception: answer_page_failure},
            include_in_schema=False,
            opt={"for_people": True},
        ),
    ]


async def _begin(request: Request, site: NamedDependency[Site]) -> Visit:
    return await Visit.begin(request, site)


def _provide(thing: Any) -> Provide:  # noqa: ANN401 - whatever pages are handed
    return Provide(lambda: thing, sync_to_thread=False)
