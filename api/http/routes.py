"""The two kinds of routes of the API: one reads, the other executes a command.

``errors`` are the codes of an operation besides those that every operation has, and
``opt`` is for the guard and the OpenAPI document.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Router, delete, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from api.http.errors import Code
from domain.events import Scope


class OwnRouter(Router):
    """A router that is made for one application, which so takes it as it is.

    An application registers a copy of a router with all its handlers and what they
    know, in case others register it too. The copies took a tenth of a start.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnRouter":
        return self


def read_route(
    path: str,
    operation_id: str,
    *,
    scope: Scope = "read",
    errors: Sequence[Code] = (),
    is_deprecated: bool = False,
    tags: Sequence[str] | None = None,
    whole_organization: bool = False,
    dependencies: Mapping[str, Provide] | None = None,
    **opt: Any,  # noqa: ANN401 - as Litestar has it
) -> get:
    """Decorate a handler that reads, for keys with the scope.

    With ``whole_organization`` it is not there for people limited to some projects.
    ``dependencies`` take the place of those of the application.
    """
    return get(
        path,
        operation_id=operation_id,
        deprecated=is_deprecated,
        tags=tags,
        dependencies=dependencies,
        opt={
            "scope": scope,
            "errors": errors,
            "whole_organization": whole_organization,
            **opt,
        },
    )


def write_route(
    method: Callable[..., HTTPRouteHandler],
    path: str,
    operation_id: str,
    *,
    scope: Scope | None = "write",
    errors: Sequence[Code] = (),
    recent_proof: bool = False,
    status: int | None = None,
    responses: dict[int, Any] | None = None,
    tags: Sequence[str] | None = None,
    whole_organization: bool = False,
    **opt: Any,  # noqa: ANN401 - as Litestar has it
) -> HTTPRouteHandler:
    """Decorate a handler that executes a command in a thread, for keys with the scope.

    ``whole_organization`` is as in ``read_route``.

    Without a scope no key is needed. The answer has the usual status of the method
    unless ``status`` is another, but a DELETE answers with the resource and 200. A
    dangerous operation declares ``recent_proof``: keys of the organization may carry it
    out, and personal keys may not.
    """
    if method is delete:
        status = 200
    return method(
        path,
        operation_id=operation_id,
        status_code=status,
        responses=responses,
        tags=tags,
        sync_to_thread=True,
        opt={
            "scope": scope,
            "errors": errors,
            "recent_proof": recent_proof,
            "whole_organization": whole_organization,
            **opt,
        },
    )
