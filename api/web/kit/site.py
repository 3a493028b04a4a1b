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

_KEEP_SECONDS = 5.0
_MAX_KEPT = 1_000


class House(Struct, frozen=True, kw_only=True):
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
        self._houses: dict[UUID, tuple[float, House]] = {}

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

    async def house(
        self, organization_id: UUID, look: Callable[[], Awaitable[House]]
    ) -> House:
        """Return what pages say of an organization; it may be some seconds old."""
        asked_at = self._clock()
        kept = self._houses.get(organization_id)
        if kept is not None and asked_at < kept[0]:
            return kept[1]
        house = await look()
        if len(self._houses) >= _MAX_KEPT:
            self._houses.clear()
        self._houses[organization_id] = (asked_at + _KEEP_SECONDS, house)
        return house

    def known_house(self, organization_id: UUID) -> House:
        """Return what was last looked up of an organization; little if nothing was."""
        kept = self._houses.get(organization_id)
        return House() if kept is None else kept[1]

    def forget(self, organization_id: UUID) -> None:
        """Look again when an organization is next asked about: it was changed here."""
        self._houses.pop(organization_id, None)


def _policy(*, remote_images: bool) -> str:
    images = "'self' data: https:" if remote_images else "'self' data:"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
