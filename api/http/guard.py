"""Checks before every handler: key, rate limits, scope, query and body.

It uses Litestar's ``before_request`` instead of its guards, because Litestar copies
the route handler for every guard of every request.
"""

from contextlib import suppress
from typing import Any, cast

from litestar import Request as LitestarRequest
from litestar import Response

from api.http.access.auth import Authenticator, Principal, invalid_api_key
from api.http.access.failed_logins import FailedLogins
from api.http.access.live_sessions import LiveSessions
from api.http.access.person_sessions import PersonSessions
from api.http.access.rate_limit import RequestLimiter
from api.http.access.sessions import COOKIE, Sessions
from api.http.errors import ApiError, Code
from api.http.query import check_path
from api.http.request import Request

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
    ) -> None:
        self._authenticator = authenticator
        self._limiter = limiter
        self._attempts = attempts
        self._sessions = sessions
        self._live_sessions = live_sessions
        self._people = people

    async def check(
        self, connection: LitestarRequest[Any, Any, Any]
    ) -> Response[None] | None:
        """Check the requirements of the route; None lets the handler answer.

        Raises:
            ApiError: 401, 429, 403 or 400, in this order.
        """
        request = cast("Request", connection)
        route = request.route_info
        if route.allowed is not None:
            return Response(None, status_code=204, headers={"Allow": route.allowed})
        if route.scope is not None:
            try:
                principal = await self._principal(request)
                principal.require(route.scope)
                if route.is_operator_only:
                    principal.require_operator()
            except ApiError:
                await _keep_form(request)
                raise
        request.check_query()
        if route.has_text_in_path:
            check_path(request.scope["path_params"])
        if route.form is not None:
            await self._check_form(request)
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
        session = request.context.session
        if session is not None and not self._sessions.is_csrf_token(session, form.csrf):
            raise StaleFormError(is_same_origin=is_same_origin(request) is True)


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
