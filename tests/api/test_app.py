from typing import Any

import pytest
from litestar import Litestar, Request, Router, WebSocket, get, post, websocket
from litestar.testing import TestClient
from litestar.types import ControllerRouterHandler

from api.http.responses import Answer
from api.http.route_info import RouteError
from tests.kit.tiny_app import Keyring, tiny_app


@get("/forgotten")
async def without_scope() -> Answer[None]:
    return Answer(None)


@get("/misspelled", opt={"scope": "reed"})
async def with_unknown_scope() -> Answer[None]:
    return Answer(None)


@get("/made-up", opt={"scope": "read", "errors": ["teapot"]})
async def with_unknown_error() -> Answer[None]:
    return Answer(None)


async def let_everybody_in(_: Request[Any, Any, Any]) -> None:
    return None


@get("/own-hook", opt={"scope": "read"}, before_request=let_everybody_in)
async def with_a_hook() -> Answer[None]:
    return Answer(None)


@get("/under-a-hook", opt={"scope": "read"})
async def under_a_hook() -> Answer[None]:
    return Answer(None)


@websocket("/socket", opt={"scope": "read"})
async def with_a_socket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.close()


@pytest.mark.parametrize(
    ("route", "reason"),
    (
        (without_scope, "GET /api/v1/forgotten declares no scope"),
        (with_unknown_scope, "'reed'"),
        (with_unknown_error, "'teapot'"),
        (with_a_hook, "before_request"),
        (
            Router(
                "/r", route_handlers=[under_a_hook], before_request=let_everybody_in
            ),
            "before_request",
        ),
        (with_a_socket, "/api/v1/socket is not plain HTTP"),
    ),
)
def test_a_route_that_would_escape_the_conventions_stops_the_start(
    keyring: Keyring, route: ControllerRouterHandler, reason: str
):
    with pytest.raises(RouteError, match=reason):
        tiny_app(keyring, routes=[route])


def test_pages_stand_beside_the_api_and_may_set_their_own_policy(keyring: Keyring):
    @get("/", opt={"scope": None}, include_in_schema=False)
    async def front() -> Answer[str]:
        policy = {"Content-Security-Policy": "default-src 'self'"}
        return Answer("hello", headers=policy)

    with TestClient(tiny_app(keyring, pages=[front])) as client:
        answer = client.get("/")

    assert answer.json()["data"] == "hello"
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_scopes_may_be_declared_for_a_whole_router(keyring: Keyring):
    @post("/kept")
    async def keep() -> Answer[None]:
        return Answer(None)

    app = tiny_app(
        keyring, routes=[Router("/r", route_handlers=[keep], opt={"scope": "write"})]
    )
    with TestClient(app) as client:
        refused = client.post("/api/v1/r/kept", headers=keyring.add(1, "read"))
        accepted = client.post("/api/v1/r/kept", headers=keyring.add(2, "write"))

    assert (refused.status_code, accepted.status_code) == (403, 201)


def test_an_application_shows_no_trace_of_an_error_whatever_the_environment_says(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LITESTAR_DEBUG", "1")
    monkeypatch.setenv("LITESTAR_PDB", "1")

    app: Litestar = tiny_app(keyring)

    assert not app.debug
    assert not app.pdb_on_exception
