"""Every page there is, read off the routes, so that no test can forget one."""

import re
from collections.abc import Mapping
from functools import cache

import httpx
import msgspec
from litestar.routes import HTTPRoute

from api.http.access.sessions import COOKIE
from api.http.route_info import RouteInfo
from api.main import assemble
from infra.settings import Settings
from tests.browser.served import Served

# Parameters that pages require, by path.
QUERIES = {
    "/compare.csv": "?entity=creator&ids={creator_id}&metric=followers",
}

_NAME = re.compile(r"{(\w+)}")


@cache
def places() -> tuple[str, ...]:
    """The paths of all pages for those who signed in, with names for ids."""
    # Nothing connects before the application is started.
    nowhere = "postgresql://nobody@127.0.0.1:1/x"
    app = assemble(Settings(database_url=nowhere, secret="s" * 32))
    paths = sorted(
        route.path_format
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method == "GET" and RouteInfo.of(handler).is_page
    )
    return tuple(paths)


class Place(msgspec.Struct, frozen=True):
    """The path of a page, and the media type of its answer."""

    url: str
    status: int
    media_type: str

    @property
    def is_page(self) -> bool:
        """True for pages that people look at; others are CSV, or a stream."""
        return self.media_type == "text/html"


def found(served: Served, path: str, *, session: str, ids: Mapping[str, str]) -> Place:
    """Request a page about these things, and return its place."""
    url = _NAME.sub(lambda name: ids[name[1]], path) + QUERIES.get(path, "").format(
        **ids
    )
    cookies = {COOKIE: session}
    with (
        httpx.Client(
            base_url=served.address, cookies=cookies, follow_redirects=True
        ) as client,
        # A stream of events would not end.
        client.stream("GET", url) as answer,
    ):
        media_type = answer.headers["Content-Type"].partition(";")[0]
        return Place(str(answer.url), answer.status_code, media_type)
