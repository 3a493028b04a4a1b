"""The page context: everything that a handler needs to answer a request for a page.

The context calls the API, renders a template or redirects. After a change, the next
pages wait until read models have it. A flash message is shown once, on the next page.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property, partial
from typing import Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import parse_qs, quote, urlencode
from uuid import UUID, uuid4

from litestar import Response
from litestar.response import Redirect, Template
from msgspec import Struct

from api.http.access.auth import Principal, SignedInPerson
from api.http.access.sessions import set_cookie
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.query import invalid_query
from api.http.request import Request
from api.in_process import RawResponse
from api.web.kit.api_client import (
    ApiClient,
    ApiRefusedError,
    ApiResponse,
    QueryValue,
)
from api.web.kit.site import SECRET, Letterhead, OrganizationInfo, Site
from application.accounts.joining import OwnOrganization
from domain.events import Scope
from domain.organization.logo import Logo

A = TypeVar("A")
T = TypeVar("T")
F = TypeVar("F", bound=Struct)
PageResponse: TypeAlias = Template | Response[Any]

POSITION_COOKIE, FLASH_COOKIE = "goatherd_position", "goatherd_flash"
# The longest address to return to after signing in.
MAX_NEXT_LENGTH = 2_000

# The value of ?project= for all projects.
ALL_PROJECTS: Final = "all"

Tabs: TypeAlias = tuple[tuple[Scope, str, str, bool], ...]
"""For each tab its scope, path and label, and whether it is for operators only."""

_PROJECT_COOKIE: Final = "goatherd_project"
_YEAR_SECONDS: Final = 365 * 86_400
_POSITION_SECONDS = 15
_MAX_POSITION_DIGITS = 18
_FLASH_SECONDS = 60
_MAX_FLASH_LENGTH = 400
# The message begins with this if the page awaits the end of a scrape.
_AWAITS = "\0"
_SEE_OTHER = 303
_SEVERAL = 2
# An address names few things; a long one is no reason for a long search.
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_IDS = 10
# Lists of videos are counted if figures are requested.
_WAITING = {"tracking_status": "pending_review", "period": "7d", "limit": 1}


# The links are in this order; a page is added to the list when it exists.
_PAGES = (
    ("/", "Home"),
    ("/creators", "Creators"),
    ("/videos", "Videos"),
    ("/campaigns", "Campaigns"),
    ("/inbox", "Inbox"),
)
# The pages that can be about any project, and the choices that they keep for another.
_PAGES_OF_PROJECTS = frozenset({"/activity", "/", "/creators", "/videos", "/campaigns"})
_KEPT = ("period", "from", "to", "sort", "order")


class _ScrapeIntervals(Struct, frozen=True):
    creator_profiles: int


class _OrganizationAnswer(Struct, frozen=True):
    name: str
    time_zone: str
    scrape_intervals: _ScrapeIntervals


class _ProjectAnswer(Struct, frozen=True):
    id: UUID
    name: str
    client: str | None
    comment: str | None
    logo: Logo | None
    color: str | None


class NavigationLink(Struct, frozen=True, kw_only=True):
    """A link; ``waiting`` is the number of waiting things there, None without any."""

    path: str
    label: str
    is_current: bool
    waiting: int | None = None


def navigation(
    path: str, *, waiting: int | None = None, project: str = ""
) -> list[NavigationLink]:
    """Return the links of the page at a path; ``waiting`` videos are in the inbox.

    ``project`` is the id of the project to stay in, or ``all``.
    """
    return [
        NavigationLink(
            path=f"{link}?project={quote(project, safe='')}" if project else link,
            label=label,
            is_current=_is_current(path, link),
            waiting=(waiting or None) if link == "/inbox" else None,
        )
        for link, label in _PAGES
    ]


def _letterhead(project: _ProjectAnswer) -> Letterhead:
    return Letterhead(
        project_id=project.id,
        client=project.client,
        comment=project.comment,
        logo=project.logo,
        color=project.color,
    )


def _is_current(path: str, link: str) -> bool:
    # A project's inbox belongs to the inbox.
    if path.endswith("/inbox"):
        return link == "/inbox"
    if link == "/":
        return path == link
    return path == link or path.startswith(f"{link}/")


class PageContext:
    """The user who is signed in, the API with the user's rights, and ways to answer.

    ``project_id`` is the id of the project that the page is about, empty for all
    projects. ``project_filter`` is the same for lists, and empty, too, if the
    organization has only one project and nobody chose it. ``named_project`` is the id
    in the address. ``own_organizations`` are those of the person. ``invites`` is true
    if the page says that people can be invited. ``is_behind`` becomes true if a read
    model did not catch up in time with this browser's last change, so that the page may
    be stale. ``unread`` is the number of unread news at the bell.
    """

    def __init__(self, request: Request, site: Site) -> None:
        self.request = request
        self.site = site
        self.organization = OrganizationInfo()
        self.project_id = ""
        self.project_filter = ""
        self.named_project = ""
        self.own_organizations: Sequence[OwnOrganization] = ()
        self.invites = False
        self.is_behind = False
        self.unread = 0
        self._api = ApiClient(request)
        self._cookies = request.sent_cookies
        self._position = _digits(self._cookies.get(POSITION_COOKIE))
        self._flash: str | None = None
        self._project_name = ""
        self._has_chosen = False

    @classmethod
    async def begin(cls, request: Request, site: Site) -> Self:
        page = cls(request, site)
        page.organization = await site.organization_info(
            request.principal, page.load_organization
        )
        if page.person is not None:
            page.own_organizations = await site.own_organizations.of(page.person.id)
        await page._choose_project()
        page.unread = await site.unread.of(request.principal, page._count_unread)
        return page

    async def _count_unread(self) -> int:
        if not self.may("read"):
            return 0
        got = await self.get("/notifications", list[Any], limit=1)
        return got.meta["unreadCount"]

    def forget_unread(self) -> None:
        """Count the unread news anew for the next page."""
        self.site.unread.forget(self.principal)

    async def load_organization(self) -> OrganizationInfo:
        """Return the organization's data for pages.

        Without the scope ``read`` these are defaults.
        """
        try:
            got = await self.get("/organization", _OrganizationAnswer)
            waiting = await self.count_waiting()
            projects = await self.get("/projects", list[_ProjectAnswer], limit=100)
        except ApiRefusedError as error:
            if error.code is not Code.INSUFFICIENT_SCOPE:
                raise
            return OrganizationInfo()
        return OrganizationInfo(
            name=got.data.name,
            time_zone=got.data.time_zone,
            scrape_hours=got.data.scrape_intervals.creator_profiles,
            waiting=waiting,
            projects={one.id: one.name for one in projects.data},
            letterheads={one.id: _letterhead(one) for one in projects.data},
        )

    async def letterhead(self, project_id: UUID | str) -> Letterhead:
        """Return the head of the printed pages of a project, empty for no project.

        Only the newest projects are known without a request.

        Raises:
            ApiError: ``invalid_query``: the address names something that is no id.
        """
        if not project_id:
            return Letterhead()
        try:
            id_ = UUID(str(project_id))
        except ValueError:
            raise invalid_query("project", "must be an id") from None
        known = self.organization.letterheads.get(id_)
        if known is not None:
            return known
        got = await self.get(f"/projects/{id_}", _ProjectAnswer)
        return _letterhead(got.data)

    async def count_waiting(self, **among: str) -> int:
        """Return the number of videos in inboxes; ``among`` narrows as GET /videos."""
        query = {**_WAITING, **among}
        return (await self.get("/videos", list[Any], **query)).meta["totalCount"]

    @property
    def principal(self) -> Principal:
        return self.request.principal

    @property
    def person(self) -> SignedInPerson | None:
        """Return the person who is signed in, None for a session with a key."""
        principal = self.request.context.principal
        return None if principal is None else principal.person

    @property
    def time_zone(self) -> str:
        """Return the organization's zone, in which days begin."""
        return self.organization.time_zone

    @property
    def own_time_zone(self) -> str:
        """Return the zone in which times are shown: the person's, if they chose one."""
        person = self.person
        return (person and person.time_zone) or self.time_zone

    @property
    def navigation(self) -> list[NavigationLink]:
        return navigation(
            self.request.scope["path"],
            waiting=self.organization.waiting,
            project=(self.project_id or ALL_PROJECTS) if self.can_switch else "",
        )

    @property
    def can_switch(self) -> bool:
        """Return whether the page knows projects to switch to."""
        return self._has_chosen and bool(self.organization.projects)

    @property
    def project_name(self) -> str:
        if not self.project_id:
            return "All projects"
        projects = self.organization.projects
        names = {str(id_): name for id_, name in projects.items()}
        return names.get(self.project_id, self._project_name or "Another project")

    @property
    def project_links(self) -> list[NavigationLink]:
        """Return a link to the same page about all projects, and about each project."""
        names = {str(id_): name for id_, name in self.organization.projects.items()}
        if self.project_id:
            # Only the newest projects are known without a request.
            names.setdefault(self.project_id, self.project_name)
        by_name = sorted(names.items(), key=lambda one: one[1].casefold())
        choices = [("", "All projects"), *by_name]
        return [
            NavigationLink(
                path=self._same_page(project_id),
                label=label,
                is_current=project_id == self.project_id,
            )
            for project_id, label in choices
        ]

    def remember_project(self, project_id: str) -> None:
        """Begin the next pages of this browser with a project, empty for all."""
        self.project_id = project_id
        choice = project_id or ALL_PROJECTS
        if self._cookies.get(_PROJECT_COOKIE) != choice:
            self.set_cookie(_PROJECT_COOKIE, choice, seconds=_YEAR_SECONDS)

    @property
    def is_htmx(self) -> bool:
        """Return whether htmx sent the request; it uses a fragment of the page."""
        return self.request.raw_header(b"hx-request") is not None

    @property
    def htmx_target(self) -> str:
        """Return the id of the element that htmx replaces, empty without one."""
        return (self.request.raw_header(b"hx-target") or b"").decode("latin-1")

    @cached_property
    def csrf(self) -> str:
        """Return the token that forms of this session carry."""
        session = self.request.context.session
        return "" if session is None else self.site.sessions.csrf_token(session)

    def new_idempotency_key(self) -> str:
        return uuid4().hex

    def may(self, scope: Scope) -> bool:
        """Return whether the person or the key of the session has a scope."""
        principal = self.request.context.principal
        return principal is not None and scope in principal.scopes

    @property
    def you(self) -> str:
        """Return the person or the key as the subject of a sentence about rights."""
        return "Your key" if self.person is None else "You"

    @property
    def sees_all(self) -> bool:
        """Return whether the user may see every project of the organization."""
        principal = self.request.context.principal
        return principal is not None and principal.project_ids is None

    @property
    def operates(self) -> bool:
        """Return whether the organization operates the whole installation."""
        return self.principal.is_operator

    def tabs(self, tabs: Tabs) -> list[tuple[str, str]]:
        """Return the path and the label of each tab that the user may see."""
        return [
            (path, label)
            for scope, path, label, is_of_operators in tabs
            if self.may(scope) and (self.operates or not is_of_operators)
        ]

    def form(self, type_: type[F]) -> F:
        return self.request.form_as(type_)

    def one_moment(self) -> AbstractAsyncContextManager[None]:
        """Let all reads meanwhile see the same moment, and ask equal things once.

        It holds connections of the pool, so nothing but reads happens meanwhile.
        """
        return self._api.one_moment()

    async def get(
        self, path: str, type_: type[T], **query: QueryValue
    ) -> ApiResponse[T]:
        """Read from the API, including this browser's last change.

        If the read model does not catch up in time, the answer is the current state and
        ``is_behind`` becomes true.

        Raises:
            ApiRefusedError: the API refused.
        """
        return await self._read(partial(self._api.request, "GET", path, type_), query)

    async def get_raw(self, path: str, **query: QueryValue) -> RawResponse:
        """Read an answer to pass on unchanged, such as CSV; it waits as ``get`` does.

        Raises:
            ApiRefusedError: the API refused.
        """
        return await self._read(partial(self._api.request_raw, "GET", path), query)

    async def _read(
        self, request: Callable[..., Awaitable[A]], query: Mapping[str, QueryValue]
    ) -> A:
        try:
            return await request(query=query, headers=self._min_position())
        except ApiRefusedError as error:
            if error.code is Code.NOT_FOUND:
                await self._look_elsewhere()
            if error.code is not Code.PROJECTION_BEHIND:
                raise
            self._position, self.is_behind = None, True
        return await request(query=query)

    async def _look_elsewhere(self) -> None:
        """Note the person's other organizations that have what the address names."""
        person = self.person
        is_several = len(self.own_organizations) >= _SEVERAL
        if person is None or not is_several or self.request.method != "GET":
            return
        ids = [UUID(text) for text in _IDS.findall(here(self.request))]
        self.request.context.elsewhere = await self.site.own_organizations.others_with(
            person.id, self.principal.organization_id, ids[:_MOST_IDS]
        )

    async def send(
        self,
        method: str,
        path: str,
        type_: type[T],
        body: object = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
        version: int | None = None,
        key_suffix: str | None = "",
    ) -> ApiResponse[T]:
        """Send a command to the API; a form that is sent twice is executed once.

        A body of bytes is a file. ``version`` is the version that the form was made
        from. If a form sends several commands, ``key_suffix`` distinguishes their
        idempotency keys; None sends no key, for commands that store nothing.

        Raises:
            ApiRefusedError: the API refused, for example with ``version_conflict``.
        """
        headers: dict[str, str] = {}
        form = self.request.context.form
        key = None if form is None else form.idempotency_key
        if method == "POST" and key and key_suffix is not None:
            headers["idempotency-key"] = f"{key}{key_suffix}"
        if version is not None:
            headers["if-match"] = f'"{version}"'
        got = await self._api.request(
            method, path, type_, query=query, body=body, headers=headers
        )
        position = got.headers.get("goatherd-position")
        # Zero says that the command knew no event, not that earlier ones don't matter.
        if position is not None and position != "0":
            self._position = position
            self.set_cookie(POSITION_COOKIE, position, seconds=_POSITION_SECONDS)
        return got

    def flash(self, message: str, *, awaits_scrape: bool = False) -> None:
        """Show a message on the next page, which may await the scrape's end."""
        self._flash = (_AWAITS * awaits_scrape + message)[:_MAX_FLASH_LENGTH]

    def show(
        self,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        error: ApiError | None = None,
        status: int = 200,
        is_secret: bool = False,
    ) -> Template:
        """Return a page; an error is shown on it and determines its status.

        Templates get ``error``, and its problems with single fields as ``problems``. A
        page with a secret that stays the same, such as a key, is not compressed.
        """
        flash = self._flash or self._pending_flash() or ""
        given = {
            "page": self,
            "flash": flash.removeprefix(_AWAITS),
            "awaits_scrape": flash.startswith(_AWAITS),
            "error": error,
            "problems": {} if error is None else error.problems,
        }
        return self.site.render(
            template,
            {**given, **(context or {})},
            headers={"Vary": "Cookie, HX-Request", **(SECRET if is_secret else {})},
            status=status if error is None else error.status,
        )

    def go_to(self, path: str) -> Response[Any]:
        """Redirect the browser to a page of ours."""
        if self._flash is not None:
            signed = self.site.sessions.signed("flash", self._flash.encode())
            self.set_cookie(FLASH_COOKIE, signed, seconds=_FLASH_SECONDS)
        # htmx would follow a redirect itself and put the page into the fragment.
        if self.is_htmx:
            return Response(None, status_code=200, headers={"HX-Redirect": path})
        return Redirect(path, status_code=_SEE_OTHER)

    def set_cookie(self, name: str, value: str, *, seconds: int) -> None:
        header = set_cookie(name, value, seconds=seconds, is_tls=self.request.is_tls)
        self.request.context.response_headers.append(header)

    async def _choose_project(self) -> None:
        """Choose the project in the address, else the one that the browser chose last.

        A project that the organization does not have is chosen only by an address: the
        API refuses it.
        """
        self._has_chosen = True
        query = parse_qs(self.request.scope["query_string"].decode("latin-1"))
        # Older addresses have the id of a project in another parameter.
        named = [*query.get("project", []), *query.get("project_id", [])]
        if named:
            chosen = "" if named[0].strip() == ALL_PROJECTS else named[0].strip()
            if not chosen or await self._has_project(chosen):
                self.remember_project(chosen)
            self.project_id = self.project_filter = self.named_project = chosen
            return
        last = self._cookies.get(_PROJECT_COOKIE, "")
        if await self._has_project(last):
            self.project_id = self.project_filter = last
        elif len(self.organization.projects) == 1 and last != ALL_PROJECTS:
            self.project_id = str(*self.organization.projects)

    def keep_project(self) -> None:
        """Stay in the project that the browser chose last, without a request."""
        self._has_chosen = True
        projects = {str(id_) for id_ in self.organization.projects}
        last = self._cookies.get(_PROJECT_COOKIE, "")
        if last in projects:
            self.project_id = self.project_filter = last
        elif len(projects) == 1 and last != ALL_PROJECTS:
            (self.project_id,) = projects

    async def _has_project(self, text: str) -> bool:
        try:
            project_id = UUID(text)
        except ValueError:
            return False
        if project_id in self.organization.projects:
            return str(project_id) == text
        if not self.organization.projects:
            return False
        try:
            # Only the newest projects are known without a request.
            got = await self.get(f"/projects/{project_id}", _ProjectAnswer)
        except ApiRefusedError:
            return False
        self._project_name = got.data.name
        return str(project_id) == text

    def _same_page(self, project_id: str) -> str:
        """Return the address of the page about a project, empty for all projects.

        A page about something else has no such address; Home of the project stands in.
        """
        path = self.request.scope["path"]
        query: dict[str, str] = {}
        if path.endswith("/inbox"):
            path = "/inbox"
        elif path in _PAGES_OF_PROJECTS:
            given = parse_qs(self.request.scope["query_string"].decode("latin-1"))
            query = {name: given[name][0] for name in _KEPT if name in given}
        else:
            path = "/"
        query["project"] = project_id or ALL_PROJECTS
        return f"{path}?{urlencode(query)}"

    def _min_position(self) -> dict[str, str]:
        position = self._position
        return {} if position is None else {"goatherd-min-position": position}

    def _pending_flash(self) -> str | None:
        signed = self._cookies.get(FLASH_COOKIE)
        if signed is None:
            return None
        self.set_cookie(FLASH_COOKIE, "", seconds=0)
        longest = 4 * _MAX_FLASH_LENGTH * 2
        payload = self.site.sessions.verified("flash", signed, longest=longest)
        return None if payload is None else payload.decode("utf-8", "replace")


def here(request: Request) -> str:
    """Return the address of the requested page, to come back to."""
    path = quote(request.scope["path"])
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _digits(text: str | None) -> str | None:
    if text is None or len(text) > _MAX_POSITION_DIGITS:
        return None
    return text if text.isascii() and text.isdigit() else None
