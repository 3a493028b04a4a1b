"""Checks before every handler: key, rate limits, scope, query and body.

It uses Litestar's ``before_request`` instead of its guards, because Litestar copies
the route handler for every guard of every request.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from litestar import Request as LitestarRequest
from litestar import Response
from msgspec.structs import replace

from api.http.access.auth import (
    Authenticator,
    Principal,
    SignedInPerson,
    invalid_api_key,
)
from api.http.access.failed_logins import FailedLogins
from api.http.access.live_sessions import LiveSessions
from api.http.access.person_sessions import PersonSessions
from api.http.access.rate_limit import RequestLimiter
from api.http.access.sessions import COOKIE, Sessions
from api.http.bodies.form_body import Form
from api.http.errors import ApiError, Code
from api.http.query import check_path
from api.http.request import Request
from domain.errors import NotFoundError

_STALE_FORM = (
    "This form does not belong to your session. Open the page again and try again; "
    "what you typed was not stored."
)


class StaleFormError(ApiError):
    """A form without the CSRF token of the session; its fields are in the context.

    ``is_same_origin`` is true if the browser says that a page of ours sent the form.
    Only then may the form be shown again with a token, because otherwise its author is
    unknown.
    """

    def __init__(self, *, is_same_origin: bool) -> None:
        super().__init__(Code.INVALID_PARAMS, _STALE_FORM)
        self.is_same_origin = is_same_origin


class RecentProofRequiredError(ApiError):
    """The person's last proof is too old for a dangerous act.

    ``methods`` are the ways in which the person can prove who they are. ``problem``
    tells what is wrong with the proof that the form had, empty if it had none.
    """

    def __init__(self, methods: Sequence[str] = (), problem: str = "") -> None:
        super().__init__(Code.RECENT_PROOF_REQUIRED)
        self.methods = methods
        self.problem = problem


Prove = Callable[[Request, SignedInPerson, Mapping[str, str]], Awaitable[datetime]]
"""Check the answers of a person to the page that asks for a proof.

It notes the proof in the session and returns its time. Missing and wrong answers raise
``RecentProofRequiredError``.
"""


class RequestGuard:
    """Checks a request before its handler runs."""

    def __init__(
        self,
        authenticator: Authenticator,
        limiter: RequestLimiter,
        attempts: FailedLogins,
        sessions: Sessions,
        live_sessions: LiveSessions | None,
        people: PersonSessions | None,
        prove: Prove | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._limiter = limiter
        self._attempts = attempts
        self._sessions = sessions
        self._live_sessions = live_sessions
        self._people = people
        self._prove = prove

    async def check(
        self, connection: LitestarRequest[Any, Any, Any]
    ) -> Response[None] | None:
        """Check the requirements of the route; None lets the handler answer.

        Raises:
            ApiError: 401, 429, 403 or 400, in this order.
            NotFoundError: the route is not there for the person.
        """
        request = cast("Request", connection)
        route = request.route_info
        if route.allowed is not None:
            return Response(None, status_code=204, headers={"Allow": route.allowed})
        if route.scope is not None:
            try:
                principal = await self._principal(request)
                is_own = route.is_for_own and principal.person is not None
                if route.is_of_whole_organization and not is_own:
                    principal.require_whole_organization()
                if not is_own or route.scope not in principal.scopes:
                    principal.require("read" if is_own else route.scope)
                if route.is_operator_only:
                    principal.require_operator()
            except (ApiError, NotFoundError):
                await _keep_form(request)
                raise
        request.check_query()
        if route.has_text_in_path:
            check_path(request.scope["path_params"])
        if route.form is not None:
            await self._check_form(request)
        if route.needs_proof and not route.is_for_own:
            await self._check_proof(request)
        if route.takes_file:
            await request.body()
        if route.refuses_body:
            await request.check_no_body()
        return None

    async def _principal(self, request: Request) -> Principal:
        context = request.context
        if context.principal is not None:
            # A page calls the API within a request that was authenticated and counted.
            return context.principal
        if request.route_info.is_page:
            principal = await self._signed_in(request)
        else:
            principal = await self._authenticate(request)
        if principal.lacks_second_factor and not request.route_info.sets_up_factor:
            raise ApiError(Code.SECOND_FACTOR_REQUIRED)
        context.principal = principal
        context.response_headers += await self._limiter.spend(principal)
        return principal

    async def _authenticate(self, request: Request) -> Principal:
        authorization = request.raw_header(b"authorization")
        try:
            return await self._authenticator.authenticate(authorization)
        except ApiError:
            # A request without a key is no attempt to guess a key.
            if authorization is not None:
                client = request.scope["client"]
                self._attempts.count(client[0] if client else "")
            raise

    async def _signed_in(self, request: Request) -> Principal:
        session = None
        cookies = request.sent_cookies
        if self._people is not None:
            opened = await self._people.opened(cookies, is_tls=request.is_tls)
            if opened is not None:
                request.context.session = opened.session
                return opened.principal
        if self._live_sessions is not None:
            session = await self._live_sessions.opened(cookies.get(COOKIE))
        if session is None:
            if self._people is not None:
                await self._people.look_for_people()
            raise invalid_api_key(presented=False)
        request.context.session = session
        return await self._authenticator.principal_of(session.key_digest)

    async def _check_form(self, request: Request) -> None:
        _check_origin(request)
        form = await request.read_form()
        session, proof = request.context.session, request.context.proof
        csrf = form.csrf if proof is None else proof.csrf
        if session is not None and not self._sessions.is_csrf_token(session, csrf):
            raise StaleFormError(is_same_origin=is_same_origin(request) is True)

    async def _check_proof(self, request: Request) -> None:
        """Refuse a dangerous act of a person whose last proof is too old.

        Raises:
            RecentProofRequiredError: there is no recent proof, or a wrong one.
        """
        principal, context, now = request.principal, request.context, datetime.now(UTC)
        person = principal.person
        if person is None or _asks_itself(context.form):
            return
        if not principal.has_recent_proof(now):
            if self._prove is None or not request.route_info.is_page:
                raise RecentProofRequiredError
            proof = context.proof
            now = await self._prove(request, person, proof.answers if proof else {})
        # The proof lasts for everything that this form sends to the API.
        context.principal = replace(principal, proved_at=now)


def _asks_itself(form: Form | None) -> bool:
    """Return whether a form has the present password, which its handler checks."""
    return form is not None and bool(getattr(form.fields, "current_password", ""))


async def _keep_form(request: Request) -> None:
    """Read the form of a request that is refused, to show it again after sign-in."""
    if request.route_info.form is None or not request.route_info.is_page:
        return
    with suppress(ApiError):
        _check_origin(request)
        await request.read_form()


def is_same_origin(request: Request) -> bool | None:
    """Return whether a page of ours sent a form, None if the browser does not say."""
    fetched_from = request.raw_header(b"sec-fetch-site")
    origin = request.raw_header(b"origin")
    if fetched_from == b"none":
        return None
    if fetched_from is not None:
        return fetched_from == b"same-origin"
    if origin is not None:
        return origin.partition(b"://")[2] == request.raw_header(b"host")
    return None


def _check_origin(request: Request) -> None:
    """Refuse a form from another site, even one for people who are not signed in."""
    if is_same_origin(request) is False:
        raise ApiError(Code.INVALID_PARAMS, _STALE_FORM)
