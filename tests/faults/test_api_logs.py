"""Secrets stay out of the log, in every use and after every failure."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Never
from uuid import uuid4

import psycopg
import pytest
import structlog
from litestar.testing import TestClient

from api.main import assemble
from infra.eventstore.store import Store
from infra.logs import configure_logs
from infra.settings import Settings
from tests.kit.application import BASE, SECRET, Tenant, data_of, started

PASSWORD = "nobody-knows-" * 2


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the least important line."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    stream = io.StringIO()
    configure_logs(level="debug", form="json", stream=stream)
    yield stream
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()


def failing_with(error: Exception) -> Callable[..., Never]:
    def fail(*_: object, **__: object) -> Never:
        raise error

    return fail


def misuse(home: Tenant, key: str) -> None:
    """Put a key wherever one does not belong."""
    client = home.goatherd.client
    for authorization in (key, f"Basic {key}", f"Bearer {key} ", f"bearer {key[:-1]}"):
        client.get(f"{BASE}/creators", headers={"Authorization": authorization})
    home.get("/creators", params={"api_key": key})
    home.get("/creators", params={"cursor": key, "search": key})
    home.get(f"/creators/{key}", headers={"X-Request-Id": key})
    home.ask("PUT", f"/admin/bans/{key}")
    home.post("/projects", {"name": key}, headers={"Idempotency-Key": key})
    home.post("/api-keys", {"name": "x", "api_key": key})
    home.post(home.creators, {"tiktok_handle": key, "metadata": {"key": key}})


def test_no_key_and_no_secret_is_ever_logged(
    database_url: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    with started(database_url) as goatherd:
        home = goatherd.tenant(is_operator=True)
        keys = [home.key]
        for headers in ({}, {"Idempotency-Key": str(uuid4())}):
            for _ in range(2):
                answer = home.post("/api-keys", {"name": "Robot"}, headers=headers)
                keys.append(data_of(answer, status=201)["api_key"])
        for key in keys:
            misuse(home, key)
        for error in (
            RuntimeError(f"could not use {keys[1]}"),
            psycopg.OperationalError(f"connection with password={PASSWORD} lost"),
        ):
            monkeypatch.setattr(Store, "load", failing_with(error))
            home.post("/api-keys", {"name": "Robot"})
            home.post("/projects", {"name": keys[1]}, headers={"X-Request-Id": "r-1"})
        goatherd.catch_up()

    with TestClient(
        assemble(
            Settings(
                database_url=f"postgresql://goat:{PASSWORD}@127.0.0.1:1/none",
                secret=SECRET,
            )
        ),
        raise_server_exceptions=False,
    ) as client:
        away = client.get(
            f"{BASE}/creators", headers={"Authorization": f"Bearer {keys[0]}"}
        )

    written = log.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    assert away.status_code == 503
    assert "A request failed unexpectedly" in {line["event"] for line in lines}
    assert "r-1" in {line.get("request_id") for line in lines}
    for secret in (*keys, SECRET, PASSWORD):
        assert secret.removeprefix("tga_") not in written
