"""The HTTP application, put together from its parts; it reads no environment."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.types import (
    ASGIApp,
    ControllerRouterHandler,
    Message,
    Receive,
    Scope,
    Send,
)
from litestar.types.asgi_types import HTTPDisconnectEvent, ReceiveMessage
from msgspec import Struct
from prometheus_client import CollectorRegistry

from api.core import core_app
from api.http.access.auth import Authenticator
from api.http.access.failed_logins import FailedLogins
from api.http.access.proxies import TrustedProxies
from api.http.access.rate_limit import RequestLimiter
from api.http.access.sessions import Sessions
from api.http.compression import HtmlCompression
from api.http.error_responses import answer_failure
from api.http.guard import Prove, RequestGuard
from api.http.metrics import RequestMetrics, metrics_route
from api.http.middleware import RequestMiddleware
from api.openapi.asyncapi import asyncapi_route
from api.openapi.docs_page import docs_routes
from api.openapi.document import openapi_route
from api.openapi.entities import entities_route
from api.system.health import Check, health_routes
from api.web.kit.error_pages import answer_anything
from api.web.kit.site import Site


class HeadAsGet:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        scope["method"] = "GET"
        has_ended = False

        async def send_head(message: Message) -> None:
            nonlocal has_ended
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body" and not has_ended:
                has_ended = True
                # The answer of a stream is cut, too: it would never end.
                await send({**message, "body": b"", "more_body": False})

        async def receive_until_sent() -> ReceiveMessage:
            if has_ended:
                return HTTPDisconnectEvent(type="http.disconnect")
            return await receive()

        await self._app(scope, receive_until_sent, send_head)


Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class AppConfig(Struct, frozen=True, kw_only=True):
    """The parts of an application.

    ``routes`` are served below /api/v1, and ``pages`` at their own paths. ``site`` is
    shared by the pages for people; without it there are no pages. ``checks`` are the
    checks of /health/ready by name, and ``warnings`` are the problems that it only
    reports. ``prove`` checks a person's proof before a dangerous act. /api/v1/schema
    describes ``entities``. ``cors_origins`` are the sites whose pages may call the API.
    ``trusted_proxies`` are the addresses and networks of proxies whose word about the
    address of a visitor is taken.
    """

    routes: Sequence[ControllerRouterHandler]
    authenticator: Authenticator
    limiter: RequestLimiter
    attempts: FailedLogins
    checks: Sequence[tuple[str, Check]]
    entities: Mapping[str, type[Struct]]
    registry: CollectorRegistry
    version: str
    warnings: Sequence[tuple[str, Check]] = ()
    pages: Sequence[ControllerRouterHandler] = ()
    site: Site | None = None
    prove: Prove | None = None
    cors_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    dependencies: Mapping[str, Provide] = {}
    lifespan: Sequence[Lifespan] = ()


def create_app(config: AppConfig) -> Litestar:
    """Return the application.

    Raises:
        RouteError: a route lacks a required declaration.
    """
    sessions = Sessions("") if config.site is None else config.site.sessions
    guard = RequestGuard(
        config.authenticator,
        config.limiter,
        config.attempts,
        sessions,
        None if config.site is None else config.site.live_sessions,
        None if config.site is None else config.site.people,
        config.prove,
    )
    app = core_app(
        [
            *config.routes,
            entities_route(config.entities),
            openapi_route(version=config.version),
            asyncapi_route(version=config.version),
        ],
        guard,
        dependencies=config.dependencies,
        handlers=[
            *config.pages,
            *docs_routes(),
            *health_routes(config.checks, config.warnings),
            metrics_route(config.registry),
        ],
        answer_error=answer_failure if config.site is None else answer_anything,
        cors_config=_cors(config.cors_origins),
        lifespan=list(config.lifespan),
        template_config=None if config.site is None else config.site.templates(),
    )
    app.state.site = config.site
    # Pages call the API without the middleware, which has counted the request for the
    # page.
    counted = RequestMiddleware(
        HtmlCompression(app.state.in_process_api),
        RequestMetrics(config.registry),
        TrustedProxies(config.trusted_proxies),
    )
    app.asgi_handler = HeadAsGet(counted)
    return app


def _cors(origins: Sequence[str]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Goatherd-Min-Position",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Request-Id",
        ],
        expose_headers=[
            "ETag",
            "Goatherd-Position",
            "Idempotent-Replayed",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "X-Request-Id",
        ],
    )
