"""The site: what all pages share, made once when the application is put together."""

import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from msgspec import Struct

from api.http.sessions import Sessions
from api.web.kit.assets import Assets
from api.web.kit.filters import FILTERS

_CACHE_SECONDS = 5.0
_MAX_CACHED = 1_000


class OrganizationInfo(Struct, frozen=True, kw_only=True):
    """What every page says of the organization.

    ``scrape_hours`` lie between scheduled profile scrapes, None if nobody may know.
    """

    name: str = ""
    time_zone: str = "UTC"
    scrape_hours: int | None = None


class Site:
    """Templates, assets and sessions, and what the operator allows.

    ``remote_images`` lets browsers fetch avatars and thumbnails from wherever they are.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        assets: Assets,
        remote_images: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sessions = sessions
        self.assets = assets
        self.remote_images = remote_images
        self.policy = _policy(remote_images=remote_images)
        self._clock = clock
        self._organizations: dict[UUID, tuple[float, OrganizationInfo]] = {}

    def templates(self) -> TemplateConfig[JinjaTemplateEngine]:
        """Return how Litestar finds and fills templates."""
        environment = Environment(
            autoescape=True,
            loader=FileSystemLoader(str(files("api.web") / "templates")),
            lstrip_blocks=True,
            trim_blocks=True,
            undefined=StrictUndefined,
        )
        names = {"asset": self.assets.url, "site": self}
        environment.filters |= FILTERS  # pyright: ignore[reportUnknownMemberType]
        environment.globals |= names  # pyright: ignore[reportUnknownMemberType]
        return TemplateConfig(
            instance=JinjaTemplateEngine.from_environment(environment)
        )

    async def organization_info(
        self, organization_id: UUID, load: Callable[[], Awaitable[OrganizationInfo]]
    ) -> OrganizationInfo:
        """Return what pages say of an organization; it may be some seconds old."""
        now = self._clock()
        cached = self._organizations.get(organization_id)
        if cached is not None and now < cached[0]:
            return cached[1]
        organization_info = await load()
        if len(self._organizations) >= _MAX_CACHED:
            self._organizations.clear()
        self._organizations[organization_id] = (now + _CACHE_SECONDS, organization_info)
        return organization_info

    def cached_organization_info(self, organization_id: UUID) -> OrganizationInfo:
        """Return what was last looked up of an organization; little if nothing was."""
        cached = self._organizations.get(organization_id)
        return OrganizationInfo() if cached is None else cached[1]

    def forget(self, organization_id: UUID) -> None:
        """Look again when an organization is next asked about: it was changed here."""
        self._organizations.pop(organization_id, None)


def _policy(*, remote_images: bool) -> str:
    images = "'self' data: https:" if remote_images else "'self' data:"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
