"""The site: templates, assets and sessions, made once when the application starts."""

import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from time import monotonic
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig
from msgspec import Struct

from api.http.access.auth import Principal
from api.http.access.live_sessions import LiveSessions
from api.http.access.person_sessions import PersonSessions
from api.http.access.sessions import Sessions
from api.web.images.drawn import DrawnPictures
from api.web.images.proxy import ImageProxy
from api.web.kit.assets import Assets
from api.web.kit.filters import FILTERS
from api.web.kit.own_organizations import OwnOrganizations
from api.web.kit.parts.figures import ROUNDED_WHY, badge, figure
from api.web.kit.parts.pictures import Pictures
from domain.organization.logo import Logo

# Numbers of unread news and names of organizations may be so old.
_CACHE_SECONDS = 5.0
_MOST_COUNTS = 10_000
_MAX_CACHED = 1_000


class UnreadNews:
    """Counts the unread news of users, each once in a few seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._counts: dict[tuple[UUID, str], tuple[float, int]] = {}

    async def of(
        self, principal: Principal, count: Callable[[], Awaitable[int]]
    ) -> int:
        """Return the number, which may be some seconds old."""
        key = (principal.organization_id, principal.actor)
        known = self._counts.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        amount = await count()
        if len(self._counts) >= _MOST_COUNTS:
            self._counts.clear()
        self._counts[key] = (self._clock() + _CACHE_SECONDS, amount)
        return amount

    def forget(self, principal: Principal) -> None:
        """Count anew next time."""
        self._counts.pop((principal.organization_id, principal.actor), None)


def named_parts(pictures: Pictures) -> dict[str, object]:
    return {
        "badge": badge,
        "figure": figure,
        "pictures": pictures,
        "rounded_why": ROUNDED_WHY,
    }


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

# For pages with a secret: neither Goatherd nor a proxy compresses them, because their
# length would give the secret away (``api.http.compression``).
SECRET = {"Cache-Control": "no-store, no-transform"}


class Letterhead(Struct, frozen=True, kw_only=True):
    """The head of a project's printed pages; all of it may be missing."""

    project_id: UUID | None = None
    client: str | None = None
    comment: str | None = None
    logo: Logo | None = None
    color: str | None = None

    @property
    def logo_address(self) -> str | None:
        """Return the address of the logo, another one for each picture."""
        if self.logo is None:
            return None
        return f"/projects/{self.project_id}/logo?v={self.logo.tag}"


class SignInWays(Struct, frozen=True, kw_only=True):
    """The ways in which the settings let people sign in to pages.

    ``provider`` is the host of the OpenID provider, None without one.
    """

    passwords: bool = True
    keys: bool = True
    provider: str | None = None


class OrganizationInfo(Struct, frozen=True, kw_only=True):
    """The organization's data on every page.

    ``scrape_hours`` lie between scheduled profile scrapes; None if the key cannot read.
    ``waiting`` is the number of videos in all its inboxes. ``projects`` has the names
    of the newest 100 projects by their ids, and ``letterheads`` the heads of their
    printed pages.
    """

    name: str = ""
    time_zone: str = "UTC"
    scrape_hours: int | None = None
    waiting: int | None = None
    projects: Mapping[UUID, str] = {}
    letterheads: Mapping[UUID, Letterhead] = {}


_SeenBy = dict[frozenset[UUID] | None, tuple[float, OrganizationInfo]]
"""The data of an organization and their end, by the projects that a person may see."""


class Site:
    """Templates, assets and sessions, and the choices of the operator.

    ``images`` shows the pictures of creators and videos. ``video_id`` returns the id of
    a video on TikTok in a project of an organization. ``own_organizations`` are those
    between which people switch. ``has_source`` is false if scrapes
    wait for a source, and ``plays_recording`` is true if no scrape asks TikTok; every
    page mentions both. With ``is_demo`` it is the bundled recording, whose people have
    drawn pictures. ``connects`` is true if creators can
    connect their accounts, and ``callback`` is the address that the settings have for
    that. ``ways`` are those in which people sign in.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        live_sessions: LiveSessions,
        people: PersonSessions,
        assets: Assets,
        images: ImageProxy,
        video_id: Callable[[UUID, UUID, str], Awaitable[UUID]],
        own_organizations: OwnOrganizations,
        has_source: bool = True,
        plays_recording: bool = False,
        is_demo: bool = False,
        connects: bool = False,
        callback: str | None = None,
        ways: SignInWays = SignInWays(),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sessions = sessions
        self.live_sessions = live_sessions
        self.people = people
        self.assets = assets
        self.images = images
        self.video_id = video_id
        self.own_organizations = own_organizations
        self.has_source = has_source
        self.plays_recording = plays_recording
        self.drawn = DrawnPictures(is_demo=is_demo)
        self.pictures = Pictures(images.address, self.drawn.address)
        self.connects = connects
        self.callback = callback
        self.ways = ways
        self.unread = UnreadNews(clock)
        self._clock = clock
        self._organizations: dict[UUID, _SeenBy] = {}

    def templates(self) -> TemplateConfig[JinjaTemplateEngine]:
        """Return the configuration by which Litestar finds and renders templates."""
        environment = Environment(
            autoescape=True,
            loader=FileSystemLoader(str(files("api.web") / "templates")),
            lstrip_blocks=True,
            trim_blocks=True,
            undefined=StrictUndefined,
        )
        names = {
            "asset": self.assets.url,
            "parts": named_parts(self.pictures),
            "site": self,
        }
        environment.filters |= FILTERS  # pyright: ignore[reportUnknownMemberType]
        environment.globals |= names  # pyright: ignore[reportUnknownMemberType]
        return TemplateConfig(
            instance=JinjaTemplateEngine.from_environment(environment)
        )

    def render(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Template:
        """Return a page with the headers that every page has."""
        return Template(
            template_name=template,
            context=dict(context),
            headers={
                "Content-Security-Policy": POLICY,
                "Referrer-Policy": "same-origin",
                **(headers or {}),
            },
            media_type="text/html",
            status_code=status,
        )

    async def organization_info(
        self, principal: Principal, load: Callable[[], Awaitable[OrganizationInfo]]
    ) -> OrganizationInfo:
        """Return the organization's data for pages, which may be some seconds old.

        They are those that the principal may see: people who are limited to the same
        projects see the same ones.
        """
        now = self._clock()
        cached = self._cached(principal)
        if cached is not None and now < cached[0]:
            return cached[1]
        info = await load()
        if len(self._organizations) >= _MAX_CACHED:
            self._organizations.clear()
        of = self._organizations.setdefault(principal.organization_id, {})
        if len(of) >= _MAX_CACHED:
            of.clear()
        of[principal.project_ids] = (now + _CACHE_SECONDS, info)
        return info

    def cached_organization_info(self, principal: Principal) -> OrganizationInfo:
        """Return the cached data of an organization, by default empty ones."""
        cached = self._cached(principal)
        return OrganizationInfo() if cached is None else cached[1]

    def _cached(self, principal: Principal) -> tuple[float, OrganizationInfo] | None:
        of = self._organizations.get(principal.organization_id, {})
        return of.get(principal.project_ids)

    def forget(self, organization_id: UUID) -> None:
        """Load an organization again next time, since it was changed."""
        self._organizations.pop(organization_id, None)
