"""A visit: one look at a page by somebody who is signed in.

A page asks the API through it, shows a template, or sends the browser on. What it wrote
is read by the next pages, too, and a notice is shown once, on the page that comes next.
"""

from collections.abc import Mapping
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

from litestar import Response
from litestar.response import Redirect, Template
from msgspec import Struct

from api.http.auth import Principal
from api.http.error_codes import Code
from api.http.request import Request
from api.http.sessions import set_cookie
from api.web.kit.api_client import Got, Inside, Query, Raw, RefusedError
from api.web.kit.site import House, Site
from domain.events import Scope

T = TypeVar("T")

POSITION_COOKIE, NOTICE_COOKIE = "goatherd_position", "goatherd_notice"
# Of an address that somebody comes back to after signing in.
LONGEST_NEXT = 2_000

_POSITION_SECONDS = 15
_LONGEST_POSITION = 18
_NOTICE_SECONDS = 60
_LONGEST_NOTICE = 400
_SEE_OTHER = 303


class _Intervals(Struct, frozen=True):
    creator_profiles: int


class _Named(Struct, frozen=True):
    name: str
    time_zone: str
    scrape_intervals: _Intervals


class Visit:
    """Who looks, and what the page may ask and show."""

    def __init__(self, request: Request, site: Site) -> None:
        self.request = request
        self.site = site
        self.house = House()
        self.is_behind = False
        self._inside = Inside(request, request.app.state.inside)
        self._cookies = request.sent_cookies
        self._position = _digits(self._cookies.get(POSITION_COOKIE))
        self._notice: str | None = None

    @classmethod
    async def begin(cls, request: Request, site: Site) -> Self:
        """Return the visit that a request to a page is."""
        visit = cls(request, site)
        house = site.house(request.principal.organization_id, visit.look_at_house)
        visit.house = await house
        return visit

    async def look_at_house(self) -> House:
        """Return what pages say of the organization; little if the key may not read."""
        try:
            got = await self._inside.ask("GET", "/organization", _Named)
        except RefusedError as error:
            if error.code is not Code.INSUFFICIENT_SCOPE:
                raise
            return House()
        return House(
            name=got.data.name,
            time_zone=got.data.time_zone,
            scrape_hours=got.data.scrape_intervals.creator_profiles,
        )

    @property
    def principal(self) -> Principal:
        return self.request.principal

    @property
    def time_zone(self) -> str:
        """Return the zone that times are shown in: the organization's."""
        return self.house.time_zone

    @property
    def is_partial(self) -> bool:
        """Return whether htmx asks, which takes a part of the page."""
        return self.request.raw_header(b"hx-request") is not None

    @property
    def csrf(self) -> str:
        """Return what forms of this session carry."""
        session = self.request.context.session
        return "" if session is None else self.site.sessions.csrf_token(session)

    def once(self) -> str:
        """Return a fresh Idempotency-Key for a form."""
        return uuid4().hex

    def may(self, scope: Scope) -> bool:
        """Return whether the key that was signed in with has a scope."""
        return scope in self.principal.scopes

    async def get(self, path: str, type_: type[T], **query: Query) -> Got[T]:
        """Ask the API; what this browser has just written is in the answer.

        If that takes too long the answer is what is known so far, and ``is_behind``
        says so.

        Raises:
            RefusedError: the API refused.
        """
        try:
            headers = self._reading()
            return await self._inside.ask(
                "GET", path, type_, query=query, headers=headers
            )
        except RefusedError as error:
            if error.code is not Code.PROJECTION_BEHIND:
                raise
            self._position, self.is_behind = None, True
        return await self._inside.ask("GET", path, type_, query=query)

    async def get_raw(self, path: str, **query: Query) -> Raw:
        """Ask the API for what is passed on as it is, such as CSV.

        Raises:
            RefusedError: the API refused.
        """
        return await self._inside.ask_raw(
            "GET", path, query=query, headers=self._reading()
        )

    async def send(
        self,
        method: str,
        path: str,
        type_: type[T],
        body: object = None,
        *,
        version: int | None = None,
        part: str = "",
    ) -> Got[T]:
        """Have the API carry out a command; sent twice by one form it is done once.

        ``version`` is what the one who changes it has seen. ``part`` tells the commands
        of one form apart where it gives several.

        Raises:
            RefusedError: the API refused, for one with ``version_conflict``.
        """
        headers: dict[str, str] = {}
        form = self.request.context.form
        if method == "POST" and form is not None and form.once:
            headers["idempotency-key"] = f"{form.once}{part}"
        if version is not None:
            headers["if-match"] = f'"{version}"'
        got = await self._inside.ask(method, path, type_, body=body, headers=headers)
        position = got.headers.get("Goatherd-Position".lower())
        if position is not None:
            self._position = position
            self._keep(POSITION_COOKIE, position, seconds=_POSITION_SECONDS)
        return got

    def tell(self, notice: str) -> None:
        """Say something on the page that is shown next."""
        self._notice = notice[:_LONGEST_NOTICE]

    def show(
        self,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> Template:
        """Return a page."""
        notice = self._notice or self._kept_notice()
        return Template(
            template_name=template,
            context={"visit": self, "notice": notice, **(context or {})},
            headers={
                "Content-Security-Policy": self.site.policy,
                "Referrer-Policy": "same-origin",
                "Vary": "Cookie, HX-Request",
            },
            media_type="text/html",
            status_code=status,
        )

    def go_to(self, path: str) -> Response[Any]:
        """Send the browser to a page of ours, which it asks for anew."""
        if self._notice is not None:
            signed = self.site.sessions.signed("notice", self._notice.encode())
            self._keep(NOTICE_COOKIE, signed, seconds=_NOTICE_SECONDS)
        # htmx would follow a redirect itself and put the page into the part.
        if self.is_partial:
            return Response(None, status_code=200, headers={"HX-Redirect": path})
        return Redirect(path, status_code=_SEE_OTHER)

    def _reading(self) -> dict[str, str]:
        position = self._position
        return {} if position is None else {"goatherd-min-position": position}

    def _kept_notice(self) -> str | None:
        signed = self._cookies.get(NOTICE_COOKIE)
        if signed is None:
            return None
        self._keep(NOTICE_COOKIE, "", seconds=0)
        longest = 4 * _LONGEST_NOTICE * 2
        payload = self.site.sessions.verified("notice", signed, longest=longest)
        return None if payload is None else payload.decode("utf-8", "replace")

    def _keep(self, name: str, value: str, *, seconds: int) -> None:
        header = set_cookie(name, value, seconds=seconds, is_tls=self.request.is_tls)
        self.request.context.response_headers.append(header)


def here(request: Request) -> str:
    """Return the address of the page that was asked for, to come back to."""
    path = quote(request.scope["path"])
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _digits(text: str | None) -> str | None:
    if text is None or len(text) > _LONGEST_POSITION:
        return None
    return text if text.isascii() and text.isdigit() else None
