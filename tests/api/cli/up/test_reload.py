"""``goatherd up --reload``: changed code runs, and changed templates are shown."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from api.cli.up.reload import PROCESSES, SourceFiles, processes_to_restart
from infra.embedded.processes import wait_until
from tests.kit.command_line import bare
from tests.kit.house_map import PACKAGES
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.paths import ROOT
from tests.kit.ports import free_port

PATIENTLY = 60.0
TEMPLATE = "api/web/templates/sign_in.html"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a few files of each kind."""
    for path in ("api/a.py", "api/web/b.html", "api/web/static/vendor/c.js"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    for package in PACKAGES:
        (tmp_path / package).mkdir(exist_ok=True)
    return tmp_path


def test_a_file_that_was_written_added_or_removed_has_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.cli.up.reload._LOOK_EVERY_SECONDS", 0.0)
    files = SourceFiles(root)
    nothing = files.changed()

    os.utime(root / "api/a.py", (1, 1))
    written = files.changed()
    (root / "domain/new.py").write_text("")
    added = files.changed()
    (root / "api/web/b.html").unlink()
    removed = files.changed()
    (root / "api/web/static/vendor/c.js").write_text("2")
    (root / "api/readme.txt").write_text("")
    passed_over = files.changed()

    assert nothing == passed_over == set()
    assert (written, added, removed) == (
        {"api/a.py"},
        {"domain/new.py"},
        {"api/web/b.html"},
    )


@pytest.mark.parametrize(
    ("changed", "processes"),
    (
        ({"domain/a.py", "api/b.html"}, PROCESSES),
        ({"infra/migrations/1.sql"}, PROCESSES),
        ({"api/web/static/css/a.css", "api/b.html"}, ("serve",)),
        ({"api/b.html"}, ()),
    ),
    ids=("code", "a migration", "a style", "a template"),
)
def test_what_changed_decides_which_processes_start_again(
    changed: set[str], processes: tuple[str, ...]
):
    assert processes_to_restart(changed) == processes


@contextmanager
def up_in(folder: Path, **settings: object) -> Iterator[psutil.Process]:
    """Run ``goatherd up --reload`` from a copy of the packages in the folder."""
    environment = bare(os.environ) | {
        f"GOATHERD_{name.upper()}": str(value) for name, value in settings.items()
    }
    environment |= {
        "PYTHONPATH": str(folder),
        "GOATHERD_SECRET": "mountain goat " * 3,
        "GOATHERD_MASTER_KEY": MASTER_KEY_TEXT,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "up", "--reload"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(PATIENTLY)
        finally:
            # One that is left behind would fail a later test, too.
            process.kill()
            process.wait()


def test_changed_code_and_templates_are_served_without_a_new_start(
    database_url: str, redis_url: str, tmp_path: Path
):
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    port = free_port()
    settings = {
        "database_url": database_url,
        "redis_url": redis_url,
        "data_dir": tmp_path / "data",
        "port": port,
    }

    def shows(text: str, path: str = "/") -> bool:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            return text in httpx.get(url, trust_env=False).text
        except httpx.TransportError:
            return False

    def servers(up: psutil.Process) -> set[int]:
        found: set[int] = set()
        for child in up.children():
            # A process may end while it is asked.
            with suppress(psutil.Error):
                if "serve" in " ".join(child.cmdline()).split():
                    found.add(child.pid)
        return found

    with up_in(tmp_path, **settings) as up:
        assert wait_until(lambda: shows("Sign in"), seconds=PATIENTLY)
        first = servers(up)
        template = tmp_path / TEMPLATE
        template.write_text(template.read_text().replace("Sign in", "Come in"))
        assert wait_until(lambda: shows("Come in"), seconds=PATIENTLY)
        assert servers(up) == first

        module = tmp_path / "api/system/well_known.py"
        module.write_text(module.read_text() + "\n# Changed.\n")
        assert wait_until(
            lambda: bool(servers(up)) and servers(up) != first, seconds=PATIENTLY
        )
        assert wait_until(lambda: shows("Come in"), seconds=PATIENTLY)
        assert up.is_running()
