"""Every page there is, read off the routes, so that no test can forget one."""

import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

import httpx
from litestar.routes import HTTPRoute
from playwright.sync_api import Page

from api.http.access.sessions import COOKIE
from api.http.route_info import RouteInfo
from tests.browser.served import Served
from tests.kit.documented import assembled

# Parameters that pages require, by path.
QUERIES = {
    "/compare.csv": "?entity=creator&ids={creator_id}&metric=followers",
}

_NAME = re.compile(r"{(\w+)}")


@cache
def places() -> tuple[str, ...]:
    """The paths of all pages for those who signed in, with names for ids."""
    paths = sorted(
        route.path_format
        for route in assembled().routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method == "GET" and RouteInfo.of(handler).is_page
    )
    return tuple(paths)


def is_for_people(path: str) -> bool:
    """False for what is no page, and for pages of links that somebody was mailed."""
    return not is_for_programs(path) and "{token}" not in path


def is_for_programs(path: str) -> bool:
    """True for what is no page: CSV, JSON, pictures, and streams of events."""
    return path.endswith((".csv", ".json", "/stream", "/logo"))


def address_of(path: str, ids: Mapping[str, str]) -> str:
    """Return the address of a page about these things, without the host."""
    return _NAME.sub(lambda name: ids[name[1]], path)


def visit(page: Page, path: str, ids: Mapping[str, str]) -> None:
    """Open a page about these things, and assert that people can look at it."""
    answer = page.goto(address_of(path, ids))
    assert answer is not None
    assert answer.status == 200, f"{answer.url}: {answer.status}"
    assert answer.headers["content-type"].partition(";")[0] == "text/html"


def is_elsewhere(page: Page, path: str, ids: Mapping[str, str]) -> bool:
    """True if the path led to another of the places, which has a visit of its own."""
    address = urlsplit(page.url)._replace(scheme="", netloc="").geturl()
    others = (
        address_of(other, ids)
        for other in filter(is_for_people, places())
        if other != path and ids.keys() >= {*_NAME.findall(other)}
    )
    return address != address_of(path, ids) and address in others


def media_type_of(
    served: Served, path: str, *, session: str, ids: Mapping[str, str]
) -> str:
    """Request what programs read about these things, and return its media type."""
    url = address_of(path, ids) + QUERIES.get(path, "").format(**ids)
    with (
        httpx.Client(base_url=served.address, cookies={COOKIE: session}) as client,
        # A stream of events would not end.
        client.stream("GET", url) as answer,
    ):
        assert answer.status_code == 200
        return answer.headers["Content-Type"].partition(";")[0]
