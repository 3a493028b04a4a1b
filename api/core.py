"""The core of an application: routes below /api/v1, the guard, and errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from api.http.bodies.json_body import MAX_BODY_BYTES
from api.http.error_responses import answer_failure
from api.http.guard import RequestGuard
from api.http.reading.snapshots import OneMoment
from api.http.request import Request
from api.http.route_info import inspect_routes
from api.http.routes import OwnRouter
from api.in_process import BASE_PATH


def core_app(
    routes: Sequence[ControllerRouterHandler],
    guard: RequestGuard,
    *,
    dependencies: Mapping[str, Provide],
    handlers: Sequence[ControllerRouterHandler] = (),
    answer_error: Any = answer_failure,  # noqa: ANN401 - as Litestar has it
    **more: Any,  # noqa: ANN401 - likewise
) -> Litestar:
    """Return the application of routes, and of handlers with paths of their own.

    ``app.state.in_process_api`` answers requests that were authenticated already.

    Raises:
        RouteError: a route lacks a required declaration.
    """
    app = Litestar(
        [OwnRouter(BASE_PATH, route_handlers=[*routes]), *handlers],
        before_request=guard.check,
        debug=False,
        dependencies=dependencies,
        exception_handlers={Exception: answer_error},
        logging_config=None,
        openapi_config=None,
        pdb_on_exception=False,
        request_class=Request,
        request_max_body_size=MAX_BODY_BYTES,
        **more,
    )
    inspect_routes(app)
    app.state.in_process_api = OneMoment(app.asgi_handler)
    return app
