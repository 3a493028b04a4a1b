"""What every request passes before its handler: key, limits, scope, query, body.

It hangs on Litestar's ``before_request`` and not on its guards, because Litestar
copies the route handler for every guard of every request.
"""

from typing import Any, cast

from litestar import Request as LitestarRequest
from litestar import Response

from api.attempts import FailedAttempts
from api.auth import Authenticator, Principal
from api.errors import ApiError
from api.limits import RequestLimiter
from api.queries import check_path
from api.requests import Request


class Admission:
    """Lets a request through to its handler, or says why not."""

    def __init__(
        self,
        authenticator: Authenticator,
        limiter: RequestLimiter,
        attempts: FailedAttempts,
    ) -> None:
        self._authenticator = authenticator
        self._limiter = limiter
        self._attempts = attempts

    async def admit(
        self, connection: LitestarRequest[Any, Any, Any]
    ) -> Response[None] | None:
        """Check what the route demands; None lets the handler answer.

        Raises:
            ApiError: 401, 429, 403 or 400, in this order.
        """
        request = cast("Request", connection)
        facts = request.facts
        if facts.allowed is not None:
            return Response(None, status_code=204, headers={"Allow": facts.allowed})
        if facts.scope is not None:
            exchange = request.exchange
            principal = await self._authenticate(request)
            exchange.principal = principal
            exchange.sent_headers += await self._limiter.spend(principal)
            principal.require(facts.scope)
        request.check_query()
        if facts.has_text_in_path:
            check_path(request.scope["path_params"])
        if facts.refuses_body:
            await request.check_no_body()
        return None

    async def _authenticate(self, request: Request) -> Principal:
        authorization = request.raw_header(b"authorization")
        try:
            return await self._authenticator.authenticate(authorization)
        except ApiError:
            # Nobody guesses by sending nothing at all.
            if authorization is not None:
                client = request.scope["client"]
                self._attempts.failed(client[0] if client else "")
            raise
