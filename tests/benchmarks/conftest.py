"""Durable servers, and a report that is printed when everything was measured."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.database import migrate
from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.eventstore.store import Store
from tests.benchmarks.harness import Report
from tests.kit.builders import opened_store
from tests.kit.keys import make_keys

_REPORT = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("goatherd benchmarks")
    options.addoption(
        "--bench-size",
        type=int,
        default=1_000_000,
        help="Creators in the large organization.",
    )
    options.addoption(
        "--bench-output", type=Path, help="A file to write the table to as well."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    report = config.stash[_REPORT]
    if not report.rows:
        return
    terminalreporter.section("benchmarks")
    terminalreporter.write_line(report.markdown())
    output: Path | None = config.getoption("--bench-output")
    if output is not None:
        output.write_text(f"{report.markdown()}\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.bench)
            item.add_marker(pytest.mark.timeout(1_800))


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """The report that collects the measured rows."""
    return pytestconfig.stash[_REPORT]


@pytest.fixture(scope="session")
def bench_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can reach, for the servers' data."""
    folder = Path(tempfile.mkdtemp(prefix="goatherd-bench-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def bench_server(bench_folder: Path, report: Report) -> Iterator[str]:
    """A PostgreSQL as ``goatherd up`` runs it: what it acknowledged is on disk."""
    server = EmbeddedPostgres(bench_folder / "data", durable=True)
    url = server.start()
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    report.servers.append(f"PostgreSQL {row[0]} (embedded, durable)")
    yield url
    server.stop()


@pytest.fixture(scope="session")
def valkey_url(bench_folder: Path) -> Iterator[str]:
    """A Valkey as ``goatherd up`` runs it."""
    server = EmbeddedValkey(bench_folder / "data")
    yield server.start()
    server.stop()


@pytest.fixture
def database_url(bench_server: str) -> Iterator[str]:
    """The URL of a migrated database on the durable server, for one benchmark."""
    name = f"bench_{uuid4().hex}"
    with psycopg.connect(bench_server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(
                sql.Identifier(name)
            )
        )
    url = bench_server.replace("/goatherd?", f"/{name}?")
    migrate(url)
    make_keys(url)
    yield url
    with psycopg.connect(bench_server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on the benchmark's database."""
    with opened_store(database_url) as store:
        yield store
