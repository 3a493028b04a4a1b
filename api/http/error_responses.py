"""Error responses: the envelope, or RFC 9457 problem details if requested."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar import Request as LitestarRequest
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import HTTPScope

from api.http.errors import (
    ApiError,
    Code,
    FieldProblem,
    NotReadyError,
    field_error,
    fields_error,
    known_error,
)
from api.http.plain_words import plain
from api.http.request import context_of, route_of
from api.http.responses import Answer, Envelope
from infra.outage import OUTAGE

_SERVER_ERROR = 500
# Codes of Litestar's exceptions that carry only a status.
_BY_STATUS = {
    401: Code.INVALID_API_KEY,
    403: Code.INSUFFICIENT_SCOPE,
    404: Code.NOT_FOUND,
    413: Code.BODY_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    429: Code.RATE_LIMIT_EXCEEDED,
}


def of_litestar(exception: HTTPException) -> ApiError:
    if isinstance(exception, ValidationException):
        return _invalid(exception)
    if isinstance(exception, MethodNotAllowedException):
        return _no_such_method(exception)
    if isinstance(exception, NotFoundException):
        return ApiError(Code.NOT_FOUND, "There is nothing at this address.")
    if exception.status_code >= _SERVER_ERROR:
        return ApiError(Code.INTERNAL_ERROR)
    code = _BY_STATUS.get(exception.status_code, Code.INVALID_PARAMS)
    return ApiError(code, exception.detail)


def _invalid(exception: ValidationException) -> ApiError:
    found = cast("Sequence[Mapping[str, Any]]", exception.extra or ())
    if not found:
        return ApiError(Code.INVALID_PARAMS, exception.detail)
    sources = {item.get("source") for item in found}
    problems = [
        FieldProblem(
            # A parameter with the name of a Python keyword ends in an underscore.
            f"/{item.get('key', '').removesuffix('_').replace('.', '/')}",
            plain(item["message"]),
        )
        for item in found
    ]
    # A missing body has no field to name.
    if "body" in sources or any(problem.path == "/data" for problem in problems):
        return field_error(Code.INVALID_BODY, "", "is missing")
    code = Code.INVALID_QUERY if "query" in sources else Code.INVALID_PARAMS
    return fields_error(code, problems)


def _no_such_method(exception: MethodNotAllowedException) -> ApiError:
    allowed = (exception.headers or {}).get("allow", "")
    if not allowed:
        return ApiError(Code.NOT_FOUND, "There is nothing at this address.")
    message = f"This address has no such method. Allowed: {allowed}."
    return ApiError(Code.METHOD_NOT_ALLOWED, message, headers={"Allow": allowed})


ERRORS_PAGE = "/docs/errors"

_log = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()


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
