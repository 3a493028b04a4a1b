"""Error responses: the envelope, or RFC 9457 problem details if requested."""

import logging
from typing import Any

import msgspec
from litestar import Request as LitestarRequest
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope

from api.http.errors import ApiError, Code, NotReadyError, known_error
from api.http.litestar_errors import of_litestar
from api.http.request import context_of, route_of
from api.http.responses import Answer, Envelope
from infra.outage import OUTAGE

ERRORS_PAGE = "/docs/errors"

_log = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()
_SERVER_ERROR = 500


class ErrorResponse(Answer[None]):
    """The response to a request that failed."""

    def __init__(
        self, error: ApiError, *, request_id: str, as_problem: bool = False
    ) -> None:
        headers = {**error.headers, "Vary": "Accept"}
        super().__init__(None, status=error.status, headers=headers)
        self._error = error
        self._request_id = request_id
        self._as_problem = as_problem
        if as_problem:
            self.sent_media_type = b"application/problem+json"

    def encoded_body(self) -> bytes:
        error = self._error
        meta = {"code": error.code, "requestId": self._request_id, **error.meta}
        if not self._as_problem:
            return _ENCODER.encode(Envelope(None, error.message, meta))
        problem = {
            "type": f"{ERRORS_PAGE}#{error.code}",
            "title": error.code.meaning,
            "status": error.status,
            "detail": error.message,
            "instance": f"urn:request:{self._request_id}",
        }
        return _ENCODER.encode(problem | meta)


def answer_failure(
    request: LitestarRequest[Any, Any, Any], exception: Exception
) -> ErrorResponse:
    """Answer any exception; an unexpected one is logged and not shown to the client."""
    context = context_of(request.scope)
    error = api_error(exception)
    log_failure(error, exception, request.scope)
    accept = context.headers.get(b"accept", b"")
    return ErrorResponse(
        error, request_id=context.request_id, as_problem=_accepts_problem(accept)
    )


def api_error(exception: Exception) -> ApiError:
    """Return the API error for any exception."""
    known = known_error(exception)
    if known is not None:
        return known
    if isinstance(exception, HTTPException):
        return of_litestar(exception)
    return ApiError(Code.INTERNAL_ERROR)


def _accepts_problem(accept: bytes) -> bool:
    for item in accept.lower().split(b","):
        media_type, *parameters = (part.strip() for part in item.split(b";"))
        if media_type == b"application/problem+json":
            return not any(p in {b"q=0", b"q=0.0"} for p in parameters)
    return False


def log_failure(error: ApiError, exception: Exception, scope: HTTPScope) -> None:
    """Log server errors; errors of the client and unreadiness are not logged here."""
    if error.status < _SERVER_ERROR or isinstance(error, NotReadyError):
        return
    about = {
        "code": str(error.code),
        "request_id": context_of(scope).request_id,
        "route": route_of(scope),
    }
    if error.code is Code.INTERNAL_ERROR:
        _log.error("A request failed unexpectedly", exc_info=exception, extra=about)
    elif not OUTAGE.explains(exception):
        _log.warning("A request could not be served: %r", exception, extra=about)
