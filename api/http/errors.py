"""API errors, and the mapping of exceptions to them.

The codes are the table in ``api.http.error_codes``. Errors of the domain have their own
code. CODES has the codes of other exceptions, and DETAILS has further fields of the
answer's meta; other modules may add to both. ``python -m api.http.errors`` prints the
codes as Markdown.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import psycopg
import psycopg_pool
from msgspec import Struct

from api.http.error_codes import Code
from domain.errors import (
    DomainError,
    InvalidFieldError,
    ItemsRefusedError,
    LimitReachedError,
    QueueBehindError,
    StaleVersionError,
)
from infra.http_out.outbound import OutboundBusyError

T = TypeVar("T")


class FieldProblem(Struct, frozen=True):
    """A problem with one field; ``path`` is its JSON Pointer."""

    path: str
    message: str


class ItemProblem(Struct, frozen=True):
    """The reason why one of several items was refused; ``index`` is its position."""

    index: int
    code: Code
    message: str


class ApiError(Exception):
    """The refusal of a request, as the client will read it.

    ``meta`` has the fields of the answer's meta besides code and requestId, in
    camelCase.
    """

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or code.example)
        self.code = code
        self.message = message or code.example
        self.meta = dict(meta or {})
        self.headers = dict(headers or {})
        self.status = code.status

    @property
    def problems(self) -> dict[str, str]:
        """Return the problem of each field, by the last part of its path."""
        found = cast("list[FieldProblem]", self.meta.get("fields", []))
        return {p.path.rpartition("/")[2]: p.message for p in found}


class NotReadyError(ApiError):
    """The refusal of /health/ready, which a supervisor requests again and again.

    The route logs each reason once, so the answers are not logged.
    """


def field_error(code: Code, path: str, message: str) -> ApiError:
    """Return an error about one field, named by its JSON Pointer."""
    return fields_error(code, [FieldProblem(path, message)])


def fields_error(code: Code, problems: Sequence[FieldProblem]) -> ApiError:
    messages = (f"{problem.path or 'body'}: {problem.message}" for problem in problems)
    return ApiError(code, "; ".join(messages), meta={"fields": problems})


CODES: dict[type[Exception], Code] = {
    psycopg.OperationalError: Code.UNAVAILABLE,
    psycopg_pool.PoolTimeout: Code.UNAVAILABLE,
    OutboundBusyError: Code.UNAVAILABLE,
}
"""The codes of exceptions of other layers. Errors of the domain have their own."""

DETAILS: dict[type[Exception], Callable[[Any], Mapping[str, Any]]] = {
    LimitReachedError: lambda error: {
        "limitKey": error.limit_key,
        "current": error.current,
        "max": error.maximum,
    },
    StaleVersionError: lambda error: {"currentVersion": error.current},
    QueueBehindError: lambda error: {"retryAfter": error.retry_after},
    ItemsRefusedError: lambda error: {"items": _item_problems(error)},
}
"""Further fields of the answer's meta."""


def known_error(exception: Exception) -> ApiError | None:
    """Return the API error for an exception, None if it is unexpected."""
    if isinstance(exception, ApiError):
        return exception
    if isinstance(exception, DomainError):
        details = _first(DETAILS, exception)
        meta: dict[str, Any] = {**exception.details}
        meta |= details(exception) if details else {}
        if exception.field is not None:
            problem = FieldProblem(f"/{exception.field}", exception.reason)
            meta["fields"] = [problem]
        wait = meta.get("retryAfter")
        headers = {} if wait is None else {"Retry-After": str(wait)}
        code = Code(exception.code)
        message = str(exception)
        if isinstance(exception, InvalidFieldError):
            message = f"/{message}"
        return ApiError(code, message, meta=meta, headers=headers)
    code = _first(CODES, exception)
    if code is None:
        return None
    # Messages of other layers may have details that no client should read.
    headers = {"Retry-After": "1"} if code is Code.UNAVAILABLE else None
    return ApiError(code, headers=headers)


def markdown() -> str:
    rows = [f"| {code.status} | `{code}` | {code.meaning} |\n" for code in Code]
    return "| Status | Code | Meaning |\n|---|---|---|\n" + "".join(rows)


def _item_problems(error: ItemsRefusedError) -> list[ItemProblem]:
    return [
        ItemProblem(index, Code(refusal.code), str(refusal))
        for index, refusal in error.refusals.items()
    ]


def _first(table: Mapping[type[Exception], T], exception: Exception) -> T | None:
    classes = type(exception).__mro__
    return next((table[cls] for cls in classes if cls in table), None)


if __name__ == "__main__":
    sys.stdout.write(markdown())
