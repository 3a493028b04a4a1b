"""`goatherd up` on a data directory that commit 46ccd1a left behind."""

import os
import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from tests.kit.command_line import running
from tests.kit.patience import PATIENTLY
from tests.kit.ports import free_port
from tests.upgrade.answers import about, recorded_answers
from tests.upgrade.comparing import bearer, differences
from tests.upgrade.conftest import restore
from tests.upgrade.recording import DAYS, write_scraped

# The runs that go on meanwhile change nothing of these: what was so at a position of
# the log stays, and the others are changed by people only.
STABLE = re.compile(
    r"/api/v1/(api-keys.*|admin/bans|projects|projects/[^/]+|analytics/schema"
    r"|creators/[^/]+(\?as_of=.*|/(diff|history)\?from=.*))"
)


@pytest.fixture
def old_data_dir(data_dir: Path) -> Path:
    """A data directory as the old version laid it out, spelled out here."""
    data_dir.mkdir(mode=0o711)
    (data_dir / "format").write_text("1\n")
    for name, text in (("secret", about().secret), ("api-key", about().keys["home"])):
        (data_dir / name).write_text(f"{text}\n")
        (data_dir / name).chmod(0o600)
    (data_dir / "up.lock").touch(mode=0o600)
    elsewhere = data_dir.with_name("made")
    server = EmbeddedPostgres(elsewhere, durable=False)
    url = server.start()
    assert urlsplit(url).path == "/goatherd"
    restore(url)
    server.stop()
    (version, *_) = sorted(elsewhere.rglob("PG_VERSION"), key=lambda p: len(p.parts))
    made = version.parent
    home = data_dir / "postgres"
    home.mkdir(mode=0o700)
    os.chown(home, made.stat().st_uid, made.stat().st_gid)
    made.rename(home / "data")
    return data_dir


def test_up_upgrades_and_serves_what_was_there_and_does_what_waited(
    old_data_dir: Path, tmp_path: Path
):
    port = free_port()
    recordings = tmp_path / "scraped.jsonl"
    # Earlier observations would add to the known past.
    write_scraped(recordings, days_later=DAYS)
    settings = {
        "data_dir": old_data_dir,
        "port": port,
        "providers": "replay",
        "recordings": recordings,
    }
    changed: list[Any] = []
    before = [
        each
        for each in recorded_answers()
        if each.key == "home" and STABLE.fullmatch(each.question)
    ]

    with (
        running("up", settings=settings, folder=tmp_path) as up,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert up.says("Goatherd is ready"), up.err

        def get(path: str, headers: dict[str, str]) -> httpx.Response:
            return client.get(path, headers=headers)

        def run(words: list[str]) -> str:
            raise AssertionError(words)

        def are_same() -> bool:
            changed[:] = differences(before, get, run)
            return not changed

        def is_scraped() -> bool:
            path = f"/api/v1/scrapes/{about().waiting_scrape}"
            answer = client.get(path, headers=bearer("home"))
            return answer.is_success and answer.json()["data"]["status"] == "succeeded"

        # It is ready before its read models have taken in the end of the log.
        wait_until(are_same, seconds=PATIENTLY)
        scraped = wait_until(is_scraped, seconds=PATIENTLY)
        status = up.send(signal.SIGTERM)

    assert len(before) > 20
    assert changed == []
    assert scraped
    assert status == 0
    # The key was found: it is neither a new one nor missing, and opens the pages.
    assert "tga_" not in up.out
    assert "data/api-key" in up.out
    assert "/sign-in/" in up.out
