"""`serve`, `project`, `dispatch` and `work`: each does its part, and ends when told."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.registry import PROJECTIONS
from tests.kit.builders import Home, make_home
from tests.kit.command_line import Running, running, variables
from tests.kit.paths import ROOT
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.ports import answers, free_port

PROMPTLY = 6.0

Settings = dict[str, object]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path, port: int) -> Settings:
    return {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret": "mountain goat " * 3,
        "data_dir": tmp_path / "nothing",
        "port": port,
    }


@pytest.fixture
def home(store: Store) -> Home:
    """An organization without the API's help, unlike that of other tests here."""
    return make_home(store)


def queried(store: Store, query: bytes) -> Any:  # noqa: ANN401
    """The one value that a query finds, None if it finds none."""
    with store.pool.connection() as connection:
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def comes(store: Store, query: bytes, value: object) -> bool:
    """Wait until the query finds the value."""
    return wait_until(lambda: queried(store, query) == value, seconds=PATIENTLY)


def refusal(process: Running) -> str:
    """The one line with which a process that ends at once says why."""
    assert process.process.wait(PATIENTLY) == 1
    assert process.out == ""
    (line,) = process.err.splitlines()
    assert line.startswith("goatherd: ")
    return line


@pytest.mark.parametrize(
    ("modules", "without"),
    (
        ("api.cli.up.command", {"numpy", "pyarrow", "litestar", "dramatiq"}),
        ("api.cli.kit.databases, projections.runner", {"numpy", "pyarrow", "redis"}),
        # It judges alerts, and reads the days of videos with NumPy.
        ("api.cli.kit.databases, workers.dispatcher", {"pyarrow", "litestar"}),
        ("workers.main", {"numpy", "pyarrow", "litestar", "httpx", "yt_dlp"}),
    ),
    ids=("up", "project", "dispatch", "work"),
)
def test_a_process_does_not_load_what_it_has_no_use_for(
    modules: str, without: set[str]
):
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert not without & set(shown.stdout.split())


def test_a_command_made_from_an_operation_loads_what_it_needs():
    run = "from api.cli import main; main(['call', 'listWebhooks', '--help'])"
    shown = subprocess.run(
        [sys.executable, "-c", f"{run}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(shown.stdout.splitlines()[-1].split())
    assert "api.routes.webhooks.routes" in loaded
    others = {"api.main", "api.routes.creators.routes", "projections.registry"}
    assert not loaded & {"numpy", "pyarrow", "httpx", "dramatiq", *others}


def test_a_list_of_commands_loads_none_of_them():
    lines = ([], ["--help"], ["keys"], ["projection", "--help"], ["fly"])
    run = f"from api.cli import main; [main(line) for line in {lines}]"
    shown = subprocess.run(
        [sys.executable, "-c", f"{run}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    *listed, loaded = shown.stdout.splitlines()
    ours = {name for name in loaded.split() if name.startswith("api.cli.")}
    names = {"", ".daily", ".sources"}
    assert ours == {"api.cli.commands", *(f"api.cli.operations{one}" for one in names)}
    assert len(listed) > 100


def test_serve_answers_and_does_not_share_its_port_until_it_is_told_to_end(
    settings: Settings, tmp_path: Path, port: int
):
    settings["http_workers"] = 2
    with running("serve", settings=settings, folder=tmp_path) as serve:
        assert wait_until(lambda: answers(port), seconds=PATIENTLY)
        workers = serve.children()

        with running("serve", settings=settings, folder=tmp_path) as second:
            shown = refusal(second)
        assert f"Port {port} of 127.0.0.1 is in use" in shown
        assert answers(port)
        assert serve.process.poll() is None

        status = serve.send(signal.SIGINT)

    assert status == 0
    assert len(workers) >= 2
    assert not any(worker.is_running() for worker in workers)
    assert serve.out == ""
    assert serve.err == ""


def test_serve_ends_promptly_while_its_workers_are_starting(
    settings: Settings, tmp_path: Path
):
    slow = "import api.main, time; api.main.create = lambda: time.sleep(60)"
    with running("serve", settings=settings, folder=tmp_path, before=slow) as serve:
        assert wait_until(lambda: bool(serve.children()), seconds=PATIENTLY)

        serve.process.send_signal(signal.SIGTERM)

        # Eight seconds is what granian gives a worker that does not listen.
        assert serve.process.wait(at_most(PROMPTLY)) == 0


@pytest.mark.parametrize(
    "late",
    (
        pytest.param("asgi.LifespanProtocol.startup", id="before-its-loop-runs"),
        pytest.param("server.mp.ASGIWorker", id="between-two-runs-of-its-loop"),
    ),
)
def test_serve_ends_promptly_while_a_worker_does_not_run_its_loop(
    settings: Settings, tmp_path: Path, late: str
):
    slow = f"""
import granian.asgi, granian.server.mp, pathlib, time

make = granian.{late}

def slowly(*arguments):
    pathlib.Path("late").touch()
    time.sleep(2)
    return make(*arguments)

granian.{late} = slowly
"""
    with running("serve", settings=settings, folder=tmp_path, before=slow) as serve:
        assert wait_until((tmp_path / "late").exists, seconds=PATIENTLY)

        serve.process.send_signal(signal.SIGTERM)

        assert serve.process.wait(at_most(PROMPTLY)) == 0
    assert serve.err == ""


def test_serve_kills_no_worker_that_has_ended(
    settings: Settings, tmp_path: Path, port: int
):
    # granian's thread that waits for a worker has it, and does not get on with it.
    late = """
import os, threading, time

waitpid = os.waitpid

def late(*arguments):
    found = waitpid(*arguments)
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.3)
    return found

os.waitpid = late
"""
    with running("serve", settings=settings, folder=tmp_path, before=late) as serve:
        assert wait_until(lambda: answers(port), seconds=PATIENTLY)

        status = serve.send(signal.SIGTERM)

    assert status == 0
    assert serve.err == ""


def test_project_keeps_the_read_models_level_until_it_is_told_to_end(
    settings: Settings, tmp_path: Path, home: Home
):
    with running("project", settings=settings, folder=tmp_path) as project:
        home.creator("ada")
        home.creator("berta")

        assert comes(home.store, b"SELECT count(*) FROM creator_list", 2)
        assert comes(
            home.store,
            b"SELECT min(position) FROM projection HAVING count(*) = %d"
            % len(PROJECTIONS),
            home.store.head(),
        )
        project.process.send_signal(signal.SIGINT)
        assert project.process.wait(at_most(PROMPTLY)) == 0
    assert project.err == ""


def test_work_carries_out_what_dispatch_rings_for_until_both_are_told_to_end(
    settings: Settings, tmp_path: Path, home: Home
):
    creator_id = home.creator("the-quiet-herd")

    with (
        running("dispatch", settings=settings, folder=tmp_path) as dispatch,
        running("work", settings=settings, folder=tmp_path) as work,
    ):
        assert comes(
            home.store, b"SELECT count(*) FROM scrape_job WHERE state = 'done'", 2
        )
        workers = work.children()
        status = work.send(signal.SIGTERM)
        dispatch.process.send_signal(signal.SIGTERM)
        assert dispatch.process.wait(at_most(PROMPTLY)) == 0

    assert status == 0
    assert dispatch.err == ""
    assert workers
    assert not any(worker.is_running() for worker in workers)
    assert (
        queried(
            home.store,
            b"SELECT count(*) FROM event_log WHERE name = 'scrape_succeeded' "
            b"AND payload ->> 'creator_id' = '%s'" % str(creator_id).encode(),
        )
        == 2
    )


def test_a_process_waits_for_its_database_as_long_as_it_is_told_to(
    settings: Settings, tmp_path: Path
):
    settings["database_url"] = "postgresql://127.0.0.1:1/herd"
    settings["database_patience_seconds"] = 2

    with running("project", settings=settings, folder=tmp_path) as process:
        assert wait_until(
            lambda: "database_waited_for" in process.err, seconds=PATIENTLY
        )
        was_running = process.process.poll() is None
        assert process.process.wait(PATIENTLY) == 1

    assert was_running
    assert process.err.count("database_waited_for") == 1
    assert "The database cannot be reached" in process.err.splitlines()[-1]


def test_a_process_that_crashes_below_python_prints_the_stacks_of_its_threads(
    settings: Settings, tmp_path: Path, home: Home
):
    home.creator("ada")

    with running("project", settings=settings, folder=tmp_path) as process:
        assert comes(home.store, b"SELECT count(*) FROM creator_list", 1)
        status = process.send(signal.SIGSEGV)

    assert status == -signal.SIGSEGV
    assert "Segmentation fault" in process.err
    # The stack of a thread that goes on meanwhile can be cut short.
    assert "(most recent call first)" in process.err


# Carries out command lines one after the other, each with its settings.
_ONE_BY_ONE = """
import json, os, sys
from api.cli import main

for command, settings in json.load(sys.stdin):
    for name in [name for name in os.environ if name.startswith("GOATHERD_")]:
        del os.environ[name]
    os.environ.update(settings)
    print(f"status {main([command])}", file=sys.stderr, flush=True)
"""


def test_a_process_that_cannot_run_gives_the_reason(
    settings: Settings, empty_database_url: str, subtests: pytest.Subtests
):
    nowhere = {"database_url": "postgresql://127.0.0.1:1/herd"}
    empty = {"database_url": empty_database_url}
    cases: tuple[tuple[str, Mapping[str, object], str], ...] = (
        *(
            (command, nowhere, "The database cannot be reached")
            for command in ("project", "dispatch", "work")
        ),
        *(
            (command, empty, "goatherd migrate")
            for command in ("serve", "project", "dispatch", "work")
        ),
        *(
            (command, {"redis_url": None}, "GOATHERD_REDIS_URL")
            for command in ("dispatch", "work")
        ),
        ("serve", {"database_url": None}, "set GOATHERD_DATABASE_URL"),
        ("serve", {"secret": None}, "needs GOATHERD_SECRET"),
        ("work", {"recordings": "/no/such/goats"}, "/no/such/goats"),
        ("work", {"providers": "research"}, "research"),
    )
    lines = [
        (command, variables({**settings, **changed})) for command, changed, _ in cases
    ]
    process = subprocess.run(
        [sys.executable, "-c", _ONE_BY_ONE],
        input=msgspec.json.encode(lines),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )

    *said, last = re.split(
        r"^status (.*)\n", process.stderr.decode(), flags=re.MULTILINE
    )
    assert process.stdout == b""
    assert last == ""
    assert len(said) == 2 * len(cases)
    for number, (command, changed, reason) in enumerate(cases):
        with subtests.test(f"{command} with {changed}"):
            err, status = said[2 * number : 2 * number + 2]
            (line,) = err.splitlines()
            assert line.startswith("goatherd: ")
            assert reason in line
            assert status == "1"
