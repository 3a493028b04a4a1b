"""API errors for requests that Litestar itself refuses."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from api.http.errors import ApiError, Code, FieldProblem, field_error, fields_error
from api.http.plain_words import plain

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
