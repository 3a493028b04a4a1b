import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.system import health
from tests.kit.patience import at_most
from tests.kit.tiny_app import NOTE_ID, Keyring, tiny_app


class Part:
    """Something that health depends on and a test may break."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.error: Exception | None = None
        self.hangs = False

    async def check(self) -> str | None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return self.reason


@pytest.fixture
def database() -> Part:
    return Part()


@pytest.fixture
def projections() -> Part:
    return Part()


@pytest.fixture
def dead_letters() -> Part:
    """Something that is worth a look, but keeps nobody from serving."""
    return Part()


@pytest.fixture
def client(
    keyring: Keyring, database: Part, projections: Part, dead_letters: Part
) -> Iterator[TestClient[Litestar]]:
    checks = [("database", database.check), ("projections", projections.check)]
    app = tiny_app(keyring, checks=checks, warnings=[("letters", dead_letters.check)])
    with TestClient(app) as client:
        yield client


def test_a_process_that_answers_is_alive_whatever_else_is_wrong(
    client: TestClient[Litestar], database: Part
):
    database.reason = "it is away"

    answer = client.get("/health/live")

    assert answer.status_code == 200
    assert answer.json()["data"] == {"status": "live"}


def test_with_everything_well_it_is_ready(client: TestClient[Litestar]):
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "status": "ready",
        "checks": {"database": "ok", "projections": "ok"},
        "warnings": {},
    }


def test_with_something_wrong_it_is_not_ready_and_says_why(
    client: TestClient[Litestar], projections: Part
):
    projections.reason = "creator_list is 812 events behind"

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["error"] == (
        "Not ready. projections: creator_list is 812 events behind"
    )
    assert answer.json()["meta"]["code"] == "unavailable"
    assert answer.json()["meta"]["reasons"] == {
        "projections": "creator_list is 812 events behind"
    }


def test_a_warning_is_told_but_keeps_nobody_from_serving(
    client: TestClient[Litestar], database: Part, dead_letters: Part
):
    dead_letters.reason = "one event failed"

    ready = client.get("/health/ready")
    database.reason = "it is away"
    unready = client.get("/health/ready")

    assert ready.status_code == 200
    assert ready.json()["data"]["warnings"] == {"letters": "one event failed"}
    assert unready.json()["meta"]["reasons"] == {"database": "it is away"}
    assert unready.json()["meta"]["warnings"] == {"letters": "one event failed"}


def test_a_check_that_fails_counts_as_bad_and_stays_inside(
    client: TestClient[Litestar],
    database: Part,
    projections: Part,
    caplog: pytest.LogCaptureFixture,
):
    database.error = RuntimeError("the password is hunter2")
    projections.reason = "nobody follows the log"

    answer = client.get("/health/ready")

    assert answer.json()["meta"]["reasons"] == {
        "database": "could not be checked; the log says why",
        "projections": "nobody follows the log",
    }
    assert "hunter2" in caplog.text
    assert "hunter2" not in answer.text


def test_a_check_that_hangs_counts_as_bad(
    client: TestClient[Litestar], database: Part, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.01)
    database.hangs = True
    before = time.monotonic()

    answer = client.get("/health/ready")

    assert time.monotonic() - before < at_most(1)
    assert answer.status_code == 503
    assert "did not answer" in answer.json()["meta"]["reasons"]["database"]


def test_requests_are_counted_by_route_and_status(
    client: TestClient[Litestar], keyring: Keyring
):
    header = keyring.add(1, "read")
    for _ in range(3):
        client.get(f"/api/v1/notes/{NOTE_ID}", headers=header)
    client.get("/api/v1/notes")
    client.get("/nothing/of/this/kind")

    answer = client.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    counted = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in answer.text.splitlines()
        if line.startswith("goatherd_http_request")
    }
    about = 'method="GET",route="/api/v1/notes/{note_id}",status="200"'
    assert counted[f"goatherd_http_requests_total{{{about}}}"] == 3
    assert counted[f"goatherd_http_request_seconds_count{{{about}}}"] == 3
    about = 'method="GET",route="/api/v1/notes",status="401"'
    assert counted[f"goatherd_http_requests_total{{{about}}}"] == 1
    about = 'method="GET",route="(none)",status="404"'
    assert counted[f"goatherd_http_requests_total{{{about}}}"] == 1


def test_methods_that_nobody_knows_are_counted_as_one(client: TestClient[Litestar]):
    for number in range(3):
        client.request(f"X{number}", "/health/live")

    answer = client.get("/metrics")

    assert 'method="other",route="(none)",status="405"} 3.0' in answer.text


@pytest.mark.parametrize("made_up", ("method", "address"))
def test_what_clients_make_up_is_not_kept_in_memory(
    client: TestClient[Litestar], made_up: str
):
    statuses: set[int] = set()

    # By itself: httpx remembers addresses as well.
    async def ask(number: int) -> None:
        word = f"X{number}" + "x" * 30_000
        method = word if made_up == "method" else "GET"
        path = f"/docs/assets/{word}" if made_up == "address" else "/health/live"
        scope: Any = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "client": ("10.0.0.1", number),
            "server": ("goats", 80),
            "scheme": "http",
            "state": {},
        }

        async def receive() -> Any:  # noqa: ANN401
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:  # noqa: ANN401
            statuses.add(message.get("status", 404))

        await client.app(scope, receive, send)

    async def ask_often() -> int:
        await ask(0)
        tracemalloc.start()
        try:
            for number in range(1, 60):
                await ask(number)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert client.blocking_portal is not None
    kept = client.blocking_portal.call(ask_often)

    assert statuses <= {404, 405}
    assert "xxx" not in client.get("/metrics").text
    assert kept < 600_000


def test_head_is_answered_as_get_is_without_a_body(tiny: TestClient[Litestar]):
    for path in ("/health/live", "/docs", "/api/v1/openapi.json", "/metrics"):
        got, head = tiny.get(path), tiny.head(path)

        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert tiny.head("/nowhere").status_code == 404


def test_a_problem_is_logged_when_it_appears_and_when_it_is_over(
    client: TestClient[Litestar], projections: Part, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", logger="api")

    for behind in (812, 640, None, 7):
        projections.reason = behind and f"{behind} events behind"
        client.get("/health/ready")
        client.get("/health/ready")

    # The client of the test may log its requests.
    ours = [line for line in caplog.records if line.name == health.__name__]
    assert [(line.levelname, line.getMessage()) for line in ours] == [
        ("WARNING", "Not ready: {'projections': '812 events behind'}"),
        ("INFO", "Ready again"),
        ("WARNING", "Not ready: {'projections': '7 events behind'}"),
    ]
