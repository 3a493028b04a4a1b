"""Database connections: enough of them, and the message if none is left."""

from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.cli.connections import needed, pool_variables, with_fitting_pools
from infra.embedded import EmbeddedPostgres
from infra.settings import Settings
from tests.kit.command_line import CommandLine

MANY = 120
# Without any pool: the read models, a rebuild, listening and what is spare.
FEWEST = 40

any_settings = st.builds(
    Settings,
    http_workers=st.integers(1, 64),
    worker_processes=st.integers(1, 64),
    worker_threads=st.integers(1, 256),
    writing_pool_size=st.integers(1, 200),
    reading_pool_size=st.integers(1, 200),
    own_pool_size=st.integers(1, 200),
)


@given(any_settings, st.integers(1, 2_000))
def test_pools_fit_what_there_is_or_are_as_small_as_can_be(
    settings: Settings, connections: int
):
    with capture_logs() as logged:
        fitting = with_fitting_pools(settings, connections)

    sizes = (
        fitting.writing_pool_size,
        fitting.reading_pool_size,
        fitting.own_pool_size,
    )
    if needed(settings) <= connections:
        assert fitting == settings
        assert logged == []
    else:
        assert [line["event"] for line in logged] == ["pools_made_smaller"]
        assert min(sizes) >= 1
        assert needed(fitting) <= connections or sizes == (1, 1, 1)
        assert Settings.from_environment(pool_variables(fitting)) == Settings(
            writing_pool_size=sizes[0],
            reading_pool_size=sizes[1],
            own_pool_size=sizes[2],
        )


def test_six_of_each_are_more_than_a_server_has_by_itself():
    usual, many = Settings(), Settings(http_workers=6, worker_processes=6)

    assert FEWEST < needed(usual) < 97
    assert needed(many) > 200


def test_a_server_that_has_none_left_is_not_said_to_be_down(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    cli = CommandLine(monkeypatch, capsys)
    cli.set(data_dir=data_dir)
    server = EmbeddedPostgres(data_dir, connections=MANY, durable=False)
    with ExitStack() as closing:
        closing.callback(server.stop)
        url = server.start()
        # Fewer than postgresql.conf says are no reason to have fewer.
        few = closing.enter_context(psycopg.connect(url))
        assert few.execute("SHOW max_connections").fetchone() == (str(MANY),)
        for _ in range(MANY - 1):
            closing.enter_context(psycopg.connect(url))

        outcome = cli("doctor")
        listed = cli("keys", "list")

    (line,) = (line for line in outcome.out.splitlines() if "database:" in line)
    assert line.startswith("WRONG   database: The database runs and has no connection")
    assert "has no connection left" in listed.complaint


def test_settings_that_need_more_than_there_are_are_found(
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    cli = CommandLine(monkeypatch, capsys)
    cli.set(data_dir=tmp_path, database_url=database_url, redis_url=redis_url)
    cli.set(http_workers=64)

    outcome = cli("doctor")

    assert "WRONG   connections: These settings may need 1" in outcome.out
