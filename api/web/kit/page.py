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
from api.web.kit.api_client import (
    ApiClient,
    ApiRefusedError,
    ApiResponse,
    QueryValue,
    RawResponse,
)
from api.web.kit.site import OrganizationInfo, Site
from domain.events import Scope

T = TypeVar("T")

POSITION_COOKIE, FLASH_COOKIE = "goatherd_position", "goatherd_flash"
# Of an address that somebody comes back to after signing in.
MAX_NEXT_LENGTH = 2_000

_POSITION_SECONDS = 15
_MAX_POSITION_DIGITS = 18
_FLASH_SECONDS = 60
_MAX_FLASH_LENGTH = 400
_SEE_OTHER = 303


class _ScrapeIntervals(Struct, frozen=True):
    creator_profiles: int


class _OrganizationAnswer(Struct, frozen=True):
    name: str
    time_zone: str
    scrape_intervals: _ScrapeIntervals


class PageContext:
    """Who looks, and what the page may ask and show."""

    def __init__(self, request: Request, site: Site) -> None:
        self.request = request
        self.site = site
        self.organization = OrganizationInfo()
        self.is_behind = False
        self._api = ApiClient(request, request.app.state.in_process_api)
        self._cookies = request.sent_cookies
        self._position = _digits(self._cookies.get(POSITION_COOKIE))
        self._flash: str | None = None

    @classmethod
    async def begin(cls, request: Request, site: Site) -> Self:
        """Return the visit that a request to a page is."""
        page = cls(request, site)
        organization = site.organization_info(
            request.principal.organization_id, page.load_organization
        )
        page.organization = await organization
        return page

    async def load_organization(self) -> OrganizationInfo:
        """Return what pages say of the organization; little if the key may not read."""
        try:
            got = await self._api.request("GET", "/organization", _OrganizationAnswer)
        except ApiRefusedError as error:
            if error.code is not Code.INSUFFICIENT_SCOPE:
                raise
            return OrganizationInfo()
        return OrganizationInfo(
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
        return self.organization.time_zone

    @property
    def is_htmx(self) -> bool:
        """Return whether htmx asks, which takes a part of the page."""
        return self.request.raw_header(b"hx-request") is not None

    @property
    def csrf(self) -> str:
        """Return what forms of this session carry."""
        session = self.request.context.session
        return "" if session is None else self.site.sessions.csrf_token(session)

    def new_idempotency_key(self) -> str:
        """Return a fresh Idempotency-Key for a form."""
        return uuid4().hex

    def may(self, scope: Scope) -> bool:
        """Return whether the key that was signed in with has a scope."""
        return scope in self.principal.scopes

    async def get(
        self, path: str, type_: type[T], **query: QueryValue
    ) -> ApiResponse[T]:
        """Ask the API; what this browser has just written is in the answer.

        If that takes too long the answer is what is known so far, and ``is_behind``
        says so.

        Raises:
            RefusedError: the API refused.
        """
        try:
            headers = self._reading()
            return await self._api.request(
                "GET", path, type_, query=query, headers=headers
            )
        except ApiRefusedError as error:
            if error.code is not Code.PROJECTION_BEHIND:
                raise
            self._position, self.is_behind = None, True
        return await self._api.request("GET", path, type_, query=query)

    async def get_raw(self, path: str, **query: QueryValue) -> RawResponse:
        """Ask the API for what is passed on as it is, such as CSV.

        Raises:
            RefusedError: the API refused.
        """
        return await self._api.request_raw(
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
        key_suffix: str = "",
    ) -> ApiResponse[T]:
        """Have the API carry out a command; sent twice by one form it is done once.

        ``version`` is what the one who changes it has seen. ``part`` tells the commands
        of one form apart where it gives several.

        Raises:
            RefusedError: the API refused, for one with ``version_conflict``.
        """
        headers: dict[str, str] = {}
        form = self.request.context.form
        if method == "POST" and form is not None and form.idempotency_key:
            headers["idempotency-key"] = f"{form.idempotency_key}{key_suffix}"
        if version is not None:
            headers["if-match"] = f'"{version}"'
        got = await self._api.request(method, path, type_, body=body, headers=headers)
        position = got.headers.get("Goatherd-Position".lower())
        if position is not None:
            self._position = position
            self._keep(POSITION_COOKIE, position, seconds=_POSITION_SECONDS)
        return got

    def flash(self, message: str) -> None:
        """Say something on the page that is shown next."""
        self._flash = message[:_MAX_FLASH_LENGTH]

    def show(
        self,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> Template:
        """Return a page."""
        message = self._flash or self._pending_flash()
        return Template(
            template_name=template,
            context={"page": self, "flash": message, **(context or {})},
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
        if self._flash is not None:
            signed = self.site.sessions.signed("flash", self._flash.encode())
            self._keep(FLASH_COOKIE, signed, seconds=_FLASH_SECONDS)
        # htmx would follow a redirect itself and put the page into the part.
        if self.is_htmx:
            return Response(None, status_code=200, headers={"HX-Redirect": path})
        return Redirect(path, status_code=_SEE_OTHER)

    def _reading(self) -> dict[str, str]:
        position = self._position
        return {} if position is None else {"goatherd-min-position": position}

    def _pending_flash(self) -> str | None:
        signed = self._cookies.get(FLASH_COOKIE)
        if signed is None:
            return None
        self._keep(FLASH_COOKIE, "", seconds=0)
        longest = 4 * _MAX_FLASH_LENGTH * 2
        payload = self.site.sessions.verified("flash", signed, longest=longest)
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
    if text is None or len(text) > _MAX_POSITION_DIGITS:
        return None
    return text if text.isascii() and text.isdigit() else None
