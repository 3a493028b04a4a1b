"""The tools of developers: a prompt, psql, and a demo with many creators."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.eventstore.store import Store
from tests.kit.builders import make_home
from tests.kit.command_line import CommandLine, bare
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.paths import ROOT
from tests.tools.many_creators import VIDEOS, write_recordings
from tests.tools.shell import catch_up
from workers.sources.recordings.file_format import Observation, read_recording

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def run(
    *words: str, settings: Mapping[str, object], text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a tool with text as its input."""
    environment = bare(os.environ) | {
        f"GOATHERD_{name.upper()}": str(value) for name, value in settings.items()
    }
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**environment, "GOATHERD_MASTER_KEY": MASTER_KEY_TEXT},
        input=text,
        text=True,
        capture_output=True,
        timeout=100,
        check=False,
    )


def test_the_prompt_has_a_store_and_a_reader_of_the_database(
    store: Store, database_url: str, tmp_path: Path
):
    home = make_home(store)
    home.creator("heidi")

    done = run(
        "tests.tools.shell",
        settings={"database_url": database_url, "data_dir": tmp_path},
        text="catch_up() > 0\n"
        "organization_id, store.head()\n"
        "rows = await reader.rows(organization_id, "
        "b'SELECT tiktok_handle FROM creator_list', {})\n"
        "rows\n"
        "1 / 0\n"
        "await reader.position('creator_list') == store.head()\n",
    )

    assert done.returncode == 0, done.stderr
    # There were no projects when the prompt opened: a projector had not run yet.
    assert done.stdout.splitlines()[0].endswith("True")
    assert "ZeroDivisionError" in done.stderr
    assert ">>> True" in done.stdout.splitlines()


def test_without_a_database_the_prompt_has_the_demo(tmp_path: Path):
    done = run(
        "tests.tools.shell",
        settings={"data_dir": tmp_path / "nothing"},
        text="sorted(creators)\n"
        "[row[0] for row in await reader.rows(organization_id, "
        "b'SELECT tiktok_handle FROM creator_list ORDER BY 1', {})]\n"
        "len(store.load(id := creators['kid-and-kettle'])[id])\n",
    )

    assert done.returncode == 0, done.stderr
    handles, rows, length = (
        line.removeprefix(">>> ") for line in done.stdout.splitlines()[:3]
    )
    assert handles == rows
    assert "'the-quiet-herd'" in handles
    assert int(length) >= 1
    assert not (tmp_path / "nothing").exists()


def test_psql_opens_the_database_and_takes_arguments(database_url: str, tmp_path: Path):
    settings = {"database_url": database_url, "data_dir": tmp_path}
    query = "SELECT count(*) FROM projection"

    done = run("tests.tools.psql", "-Atc", query, settings=settings)
    none = run("tests.tools.psql", settings={"data_dir": tmp_path})

    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
    assert none.returncode == 1
    assert none.stderr.startswith("goatherd: No database runs in ")


def test_invented_creators_have_a_past_and_a_future(tmp_path: Path):
    folder = tmp_path / "recordings"

    write_recordings(folder, 3, today=NOON)

    history = list(read_recording(folder / "history.jsonl"))
    future = list(read_recording(folder / "future"))
    midnight = NOON.replace(hour=0)
    assert all(isinstance(line, Observation) for line in (*history, *future))
    seen = [line for line in history if isinstance(line, Observation)]
    coming = [line for line in future if isinstance(line, Observation)]
    assert {line.handle for line in seen} == {"goat-00001", "goat-00002", "goat-00003"}
    assert all(line.observed_at < midnight for line in seen)
    assert all(line.observed_at >= midnight for line in coming)
    assert {line.handle for line in seen} < {line.handle for line in coming}
    videos = {line.video.tiktok_video_id for line in seen if line.video}
    still = {line.video.tiktok_video_id for line in coming if line.video}
    assert len(videos & still) == len(videos) == 3 * VIDEOS


def test_the_past_can_be_imported(
    store: Store,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    make_home(store)
    catch_up(store)
    write_recordings(tmp_path / "recordings", 2, today=datetime.now(UTC))
    cli = CommandLine(monkeypatch, capsys)
    cli.set(database_url=database_url, data_dir=tmp_path)

    recording = str(tmp_path / "recordings" / "history.jsonl")
    done = cli(
        *("import", recording, "--create-creators"),
        *("--project", "First project", "--json"),
    ).document

    assert len(done["creators_created"]) == 2
    assert done["stored"] == done["observations"] > 0


def test_make_names_every_tool():
    listed = (ROOT / "Makefile").read_text()

    for target in ("dev", "demo", "shell", "psql", "fix"):
        assert re.search(rf"^{target}: .*## \w", listed, re.MULTILINE), target
