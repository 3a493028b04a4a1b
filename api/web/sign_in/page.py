"""Signing in and out: a key, or a link that works once, is exchanged for a session."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from api.http.access.auth import Authenticator, Principal, digest_of
from api.http.access.failed_logins import FailedLogins
from api.http.access.live_sessions import LiveSessions
from api.http.access.sessions import COOKIE, LIFETIME_SECONDS, Sessions, set_cookie
from api.http.bodies.form_body import NoFields
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.web.kit.sign_in_form import FIRST_PAGE, page_after_sign_in, sign_in_form
from api.web.kit.site import Site
from api.web.sign_in.links import spend_link
from application.onboarding.first_start import close_question, is_question_open
from domain.organization.api_keys import ALL_SCOPES
from infra.database import AsyncPool

FIRST_START = "/first-start"

_WRONG_KEY = "This key is not valid here: it may be mistyped, expired or revoked."
_SPENT_LINK = (
    "This link has been used, or is more than a day old. Sign in with your key "
    "instead, or restart Goatherd for a new link."
)
_SEE_OTHER = 303


class SignInForm(Struct, frozen=True, forbid_unknown_fields=True):
    """An API key, and the page to go to."""

    key: str
    next: str = ""


class SignIn:
    """Checks keys, links and sessions, and begins and ends sessions."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        attempts: FailedLogins,
        sessions: Sessions,
        live_sessions: LiveSessions,
        pool: AsyncPool,
    ) -> None:
        self._authenticator = authenticator
        self._attempts = attempts
        self._sessions = sessions
        self._live_sessions = live_sessions
        self._pool = pool

    async def try_key(self, request: Request, key: str) -> bytes | None:
        """Return the digest of a valid key; None for an invalid one.

        Raises:
            ApiError: ``rate_limit_exceeded``, after too many wrong keys.
        """
        try:
            await self._authenticator.authenticate(b"Bearer " + key.strip().encode())
        except ApiError as error:
            self._failed(request, error)
            return None
        return digest_of(key.strip().encode())

    async def try_link(self, request: Request, token: str) -> bytes | None:
        """Use a link up and return the digest of its key; None if it is not valid.

        Raises:
            ApiError: ``rate_limit_exceeded``, after too many wrong links.
        """
        digest = await spend_link(self._pool, token)
        try:
            await self._authenticator.principal_of(digest or b"")
        except ApiError as error:
            self._failed(request, error)
            return None
        return digest

    async def still_operates(self, request: Request) -> bool:
        """Return whether the session still belongs to an operator."""
        principal = await self._principal(request)
        if principal is None:
            return False
        return principal.is_operator and "admin" in principal.scopes

    async def still_reads(self, request: Request) -> bool:
        """Return whether the session's key may still read."""
        principal = await self._principal(request)
        return principal is not None and "read" in principal.scopes

    async def _principal(self, request: Request) -> Principal | None:
        session = await self._live_sessions.opened(request.sent_cookies.get(COOKIE))
        if session is None:
            return None
        try:
            return await self._authenticator.principal_of(session.key_digest)
        except ApiError as error:
            if error.code is not Code.INVALID_API_KEY:
                raise
            return None

    async def has_question(self, principal: Principal) -> bool:
        """Return whether this user is to answer the question of the first start.

        Answers need a key with every scope.
        """
        may_answer = set(ALL_SCOPES) <= set(principal.scopes)
        return may_answer and await is_question_open(
            self._pool, principal.organization_id
        )

    async def stop_asking(self, principal: Principal) -> None:
        """Close the question of the first start for good."""
        await close_question(self._pool, principal.organization_id)

    async def begin_session(
        self, request: Request, digest: bytes, path: str
    ) -> Redirect:
        """Begin a session and go to a page, or first to the question of the start."""
        if path == FIRST_PAGE:
            principal = await self._authenticator.principal_of(digest)
            path = FIRST_START if await self.has_question(principal) else path
        sealed = self._sessions.sealed(self._sessions.begin(digest))
        return _go(request, path, sealed, seconds=LIFETIME_SECONDS)

    async def end_session(self, request: Request) -> Redirect:
        """End the session everywhere, and go to the form to sign in."""
        await self._live_sessions.end(request.sent_cookies.get(COOKIE))
        return _go(request, "/", "", seconds=0)

    def _failed(self, request: Request, error: ApiError) -> None:
        if error.code is not Code.INVALID_API_KEY:
            raise error
        client = request.scope["client"]
        self._attempts.count(client[0] if client else "")


class SignInRoutes(Controller):
    """The pages to sign in and out."""

    include_in_schema = False

    @get("/sign-in", opt={"scope": None})
    async def to_sign_in_form(self) -> Redirect:
        """Go to the form, for users who reload the address that the form is sent to."""
        return Redirect(FIRST_PAGE, status_code=_SEE_OTHER)

    @post("/sign-in", opt={"scope": None, "form": SignInForm})
    async def sign_in(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Exchange a key for a session."""
        form = request.form_as(SignInForm)
        digest = await sign_in.try_key(request, form.key)
        if digest is None:
            return sign_in_form(site, next_=form.next, problem=_WRONG_KEY)
        path = page_after_sign_in(form.next)
        return await sign_in.begin_session(request, digest, path)

    @get("/sign-in/{token:str}", opt={"scope": None})
    async def follow_link(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Exchange a link for a session."""
        # A browser that loads links in advance must not use the link up.
        if b"prefetch" in (request.raw_header(b"sec-purpose") or b""):
            return Response(None, status_code=204)
        digest = await sign_in.try_link(request, token)
        if digest is None:
            return sign_in_form(site, problem=_SPENT_LINK)
        return await sign_in.begin_session(request, digest, FIRST_PAGE)

    @post("/sign-out", opt={"scope": None, "form": NoFields})
    async def sign_out(
        self, request: Request, sign_in: NamedDependency[SignIn]
    ) -> Redirect:
        """End the session."""
        return await sign_in.end_session(request)


def _go(request: Request, path: str, sealed: str, *, seconds: int) -> Redirect:
    request.context.response_headers.append(
        set_cookie(COOKIE, sealed, seconds=seconds, is_tls=request.is_tls)
    )
    return Redirect(path, status_code=_SEE_OTHER)
