"""Real servers for the tests, one of each a session, and a clean corner for each test.

GOATHERD_TEST_DATABASE_URL (as a superuser) and GOATHERD_TEST_REDIS_URL name servers to
use instead of the embedded ones, GOATHERD_TEST_BROWSER a browser for tests of pages.
"""

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg_pool.base
import pytest
import redis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from application.accounts import passwords
from infra.database import migrate
from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.eventstore.store import Store
from tests.browser.chromium import HOW_TO_GET_ONE, NO_BROWSER
from tests.kit.builders import Home, make_home, opened_store
from tests.kit.command_line import CommandLine
from tests.kit.databases import leave_server, new_database
from tests.kit.keys import MASTER_KEY_TEXT, make_keys

# Nothing of what the imports and the collection of tests make is garbage.
gc.disable()

# Processes that tests start with this environment find the key and the source there.
os.environ["GOATHERD_MASTER_KEY"] = MASTER_KEY_TEXT
os.environ["GOATHERD_PROVIDERS"] = "replay"

# Pools connect in threads of their own, with some randomness. Where that moves the
# global generator on while Hypothesis draws, it takes the strategy for one that does.
setattr(psycopg_pool.base, "random", Random().random)  # noqa: B010, S311

# A strong hash takes 50 ms, and tests make people by the hundred. Processes that they
# start make strong ones.
passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# A busy machine draws examples slowly and takes long for each, which is no fault of the
# code. The rest stays as Hypothesis sets it, by itself or in CI.
settings.register_profile(
    "busy machine",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("busy machine")


# Fixtures that start a server or a browser, and the folder that tests start one in.
_SERVERS = {"postgres_url", "valkey_url", "data_dir", "browser_path"}
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_BEGAN_AT = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="fail a run that takes longer",
    )
    parser.addoption(
        "--without-servers",
        action="store_true",
        help="leave out the tests that need a database, Valkey or a browser",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if not config.getoption("without_servers"):
        return
    needing = [item for item in items if _SERVERS & {*_fixtures_of(item)}]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in {*needing}]


def pytest_collection_finish() -> None:
    # Modules and tests stay until the end, so the collector of garbage leaves them out.
    # An application makes hundreds of thousands of objects, and a search after each 700
    # took a third of its start.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()


def _fixtures_of(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_BEGAN_AT] = time.monotonic()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _over_budget(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _over_budget(config: pytest.Config) -> str:
    """Return what a run that took longer than its budget is told; else nothing."""
    budget: float | None = config.getoption("budget")
    seconds = time.monotonic() - config.stash[_BEGAN_AT]
    if budget is None or hasattr(config, "workerinput") or seconds <= budget:
        return ""
    return f"The tests took {seconds:.0f} s and have a budget of {budget:.0f} s."


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print that the budget was exceeded and that pages were not tested.

    A skipped test is easily overlooked.
    """
    if over := _over_budget(config):
        terminalreporter.section("over budget", red=True, bold=True)
        terminalreporter.write_line(over, red=True)
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if NO_BROWSER in str(report.longrepr)]
    if missed:
        terminalreporter.section("pages not tested", yellow=True, bold=True)
        terminalreporter.write_line(
            f"Tests of pages that did not run: {len(missed)}. {HOW_TO_GET_ONE}",
            yellow=True,
        )


# A database is a copy of 500 files: 10 ms in memory, 120 on a disk, most of it the
# kernel's. Containers often have a small one.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108
_ON_DISK = Path("/tmp")  # noqa: S108
_ROOM_BYTES = 4 * 1024**3


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: its URL, leading to a database that tests leave alone."""
    if given := os.environ.get("GOATHERD_TEST_DATABASE_URL"):
        yield given
        leave_server(given)
        return
    with _reachable_folder() as folder:
        # Applications that serve many files of tests keep theirs open.
        server = EmbeddedPostgres(folder, connections=300, durable=False)
        url = server.start()
        yield url
        leave_server(url)
        server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database to clone."""
    name = f"goatherd_template_{uuid4().hex}"
    with new_database(postgres_url, name=name) as url:
        migrate(url)
        make_keys(url)
        yield name


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    with new_database(postgres_url, template=template_database) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """The URL of a database of the test's own without any table."""
    with new_database(postgres_url) as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a database of the test's own."""
    with opened_store(database_url, pool_size=8) as store:
        yield store


@pytest.fixture
def home(store: Store) -> Home:
    """An organization with one project, to add creators to."""
    return make_home(store)


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """A command line without any setting."""
    return CommandLine(monkeypatch, capsys)


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey or Redis server: the URL of a numbered database that nobody else has."""
    if given := os.environ.get("GOATHERD_TEST_REDIS_URL"):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield f"{given.partition('?')[0].rstrip('/')}?db={int(worker) % 16}"
        return
    with _reachable_folder() as folder:
        server = EmbeddedValkey(folder)
        yield server.start()
        server.stop()


@pytest.fixture
def redis_url(valkey_url: str) -> Iterator[str]:
    """The URL of an empty Valkey or Redis database."""
    with redis.Redis.from_url(valkey_url) as connection:
        connection.flushdb()
        yield valkey_url
        connection.flushdb()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory for embedded servers that the test starts itself."""
    with _reachable_folder() as folder:
        yield folder / "data"


@contextmanager
def _reachable_folder() -> Generator[Path]:
    # pytest's own folders are closed to the account PostgreSQL runs as under root, and
    # a path under TMPDIR may be too long for a socket.
    place = _IN_MEMORY if _has_room(_IN_MEMORY) else _ON_DISK
    folder = Path(tempfile.mkdtemp(prefix="goatherd-tests-", dir=place))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _has_room(place: Path) -> bool:
    return place.is_dir() and shutil.disk_usage(place).free >= _ROOM_BYTES
