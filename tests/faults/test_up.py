"""`goatherd up`: everything on one machine, through kills, restarts and mistakes."""

import signal
import socket
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import psycopg
import pytest

from domain.scrape.sources import NO_SOURCE
from infra.embedded import running_postgres_url
from infra.embedded.data_dir import address_path, settings_path
from infra.embedded.processes import wait_until
from tests.kit.command_line import CommandLine, Running, living, running
from tests.kit.mail_server import MailBox, mail_server
from tests.kit.patience import PATIENTLY
from tests.kit.ports import answers, free_port
from workers.sources.demo import DEMO_HANDLES

READY = "Goatherd is ready at http://127.0.0.1:{port}\n"
CHILDREN = ("api.cli project", "api.cli dispatch", "dramatiq", "api.cli serve")
SERVERS = ("bin/postgres", "valkey-server")
REAPER = "api.cli.up.reaper"


class Place:
    """A data directory and a port to run Goatherd on."""

    def __init__(self, data_dir: Path, folder: Path) -> None:
        self.data_dir = data_dir
        self.folder = folder
        self.port = free_port()
        self.settings: dict[str, object] = {"data_dir": data_dir, "port": self.port}

    def up(self, *words: str) -> AbstractContextManager[Running]:
        """Run `goatherd up` here."""
        return running("up", *words, settings=self.settings, folder=self.folder)

    def left(self) -> list[psutil.Process]:
        """Processes that work in the data directory, however they came to be."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                words = [process.cwd(), *process.cmdline()]
            except psutil.Error:
                continue
            if any(str(self.data_dir) in word for word in words):
                found.append(process)
        return living(found)

    @property
    def ready(self) -> str:
        """The line that says that all is well."""
        return READY.format(port=self.port)

    @property
    def pages(self) -> str:
        """The file that leads commands here."""
        return f"http://localhost:{self.port}\n"

    @property
    def key(self) -> str:
        return (self.data_dir / "api-key").read_text().strip()

    def ask(
        self, path: str, method: str = "GET", json: object = None
    ) -> httpx.Response:
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            json=json,
            trust_env=False,
        )

    def creators(self, status: str = "all") -> list[dict[str, Any]]:
        answer = self.ask(f"/api/v1/creators?status={status}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def is_ready(self) -> bool:
        return answers(self.port, "/health/ready")

    def scrape(self, creator_id: str) -> str:
        """Request a scrape by hand, and return its id.

        A connection that was lost may cost a request, which then asks to be repeated.
        """
        path = f"/api/v1/creators/{creator_id}/scrape"
        answers: list[httpx.Response] = []

        def request() -> bool:
            answers.append(self.ask(path, "POST", {"job_type": "discover_videos"}))
            return answers[-1].status_code != 503

        assert wait_until(request, seconds=PATIENTLY)
        assert answers[-1].status_code == 202, answers[-1].text
        return answers[-1].json()["data"]["scrape_id"]

    def sees(self, *handles: str, status: str = "all") -> bool:
        """Wait until exactly these creators are listed."""

        def listed() -> bool:
            found = [creator["tiktok_handle"] for creator in self.creators(status)]
            return sorted(found) == sorted(handles)

        return wait_until(listed, seconds=PATIENTLY)


@pytest.fixture
def place(data_dir: Path, tmp_path: Path) -> Place:
    return Place(data_dir, tmp_path)


@pytest.fixture
def given(place: Place, database_url: str, redis_url: str) -> Place:
    """A place whose servers are given, so that up has only its processes to run."""
    place.settings |= {"database_url": database_url, "redis_url": redis_url}
    return place


def all_of(up: Running) -> list[psutil.Process]:
    """Every process that up has started, however deep."""
    return up.children(deep=True)


def are_gone(processes: list[psutil.Process]) -> bool:
    return wait_until(lambda: not living(processes), seconds=PATIENTLY)


def events(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM goatherd_events WHERE topic <> 'root_signed'"
        ).fetchone()
    assert row is not None
    return row[0]


def test_starts_find_what_was_there_after_a_stop_and_after_kills(place: Place):
    """Three starts, because a start is dear: each sees what the one before it left."""
    names = ("--organization", "Goats", "--project-name", "Spring")
    with place.up(*names, "--time-zone", "Europe/Vienna") as up:
        assert up.says(place.ready)
        first, first_key = up.out, place.key
        organization = place.ask("/api/v1/organization").json()["data"]
        projects = place.ask("/api/v1/projects").json()["data"]
        started = all_of(up)
        found_by_others = running_postgres_url(place.data_dir)
        assert address_path(place.data_dir).read_text() == place.pages
        status = up.send(signal.SIGINT)
        left = living(started)

    assert first.startswith(place.ready)
    assert [first.count(text) for text in (first_key, NO_SOURCE)] == [1, 1]
    assert (organization["name"], organization["time_zone"]) == (
        *("Goats", "Europe/Vienna"),
    )
    assert [project["name"] for project in projects] == ["Spring"]
    assert status == 0
    assert len(started) > 10
    assert (left, address_path(place.data_dir).exists()) == ([], False)
    assert found_by_others is not None
    for name in ("api-key", "secret"):
        mode = (place.data_dir / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600

    with place.up("--demo") as up:
        assert up.says(place.ready)
        second, second_key = up.out, place.key
        found_again = place.ask("/api/v1/projects").json()["data"]
        assert place.sees(*DEMO_HANDLES)
        removed = place.creators()[0]
        assert (
            place.ask(f"/api/v1/creators/{removed['id']}", "DELETE").status_code == 200
        )
        assert place.sees(removed["tiktok_handle"], status="removed")
        started = all_of(up)
        up.process.kill()
        up.process.wait()

        # At once, so that it meets the processes that still are on their way out.
        with place.up("--demo") as next_up:
            assert next_up.says(place.ready)
            assert are_gone(started)
            assert place.sees(*DEMO_HANDLES)
            assert place.sees(removed["tiktok_handle"], status="removed")
            kill_one_by_one(next_up, place)
            started = all_of(next_up)
            assert next_up.send(signal.SIGTERM) == 0

    assert second.startswith(place.ready)
    assert [text in second for text in ("tga_", NO_SOURCE)] == [False, False]
    assert second_key == first_key
    assert found_again == projects
    assert "Added 4 demo creators" in up.err
    assert "past runs of the demo creators" in up.err
    assert "demo" not in next_up.err
    assert living(started) == []
    for name in ("project", "dispatch", "work", "serve"):
        assert f"process={name} status=-9" in next_up.err


def kill_one_by_one(up: Running, place: Place) -> None:
    """Each process comes back when it is killed, and then everything works."""
    for name in (*SERVERS, REAPER, *CHILDREN):
        # It is ready before its workers are: who asks for a run is heard later.
        assert wait_until(lambda name=name: up.has(name), seconds=PATIENTLY), name
        victim = up.child(name)
        assert victim is not None
        below = [] if name in SERVERS else victim.children(recursive=True)

        victim.kill()

        # A server's own processes see to themselves; ours must not be left behind.
        assert are_gone([victim, *below]), name
        assert wait_until(lambda name=name: up.has(name), seconds=PATIENTLY)
        assert wait_until(place.is_ready, seconds=PATIENTLY), name
    scrape = place.scrape(place.creators("active")[0]["id"])

    def is_done() -> bool:
        run = place.ask(f"/api/v1/scrapes/{scrape}")
        return run.is_success and run.json()["data"]["status"] == "succeeded"

    assert wait_until(is_done, seconds=PATIENTLY)


def refusal(up: Running) -> str:
    """The reason why it did not start; all of its processes must be gone."""
    assert up.process.wait(PATIENTLY) == 1
    assert up.out == ""
    lines = [line for line in up.err.splitlines() if line.startswith("goatherd: ")]
    assert len(lines) == 1
    assert "Traceback" not in up.err
    return lines[0]


def test_a_busy_port_is_refused_before_anything_is_started(place: Place):
    with socket.create_server(("127.0.0.1", place.port)), place.up() as up:
        lines = refusal(up)

    assert f"Port {place.port} of 127.0.0.1 is in use" in lines
    assert not place.data_dir.exists()


def test_given_servers_are_used_and_two_do_not_share_a_directory(
    given: Place, database_url: str
):
    with given.up() as first:
        assert first.says(given.ready), first.err
        names = {process.name() for process in all_of(first)}

        with given.up("--port", str(free_port())) as second:
            lines = refusal(second)

        assert f"in use by another Goatherd (process {first.pid})" in lines
        assert given.is_ready()
        assert first.send(signal.SIGTERM) == 0
    assert not names & {"postgres", "valkey-server", "redis-server"}
    assert events(database_url) == 3
    assert sorted(path.name for path in given.data_dir.iterdir()) == [
        *("api-key", "format", "secret"),
    ]


def test_commands_know_the_settings_of_the_up_that_runs(
    given: Place, command_line: CommandLine, database_url: str
):
    where = ("--data-dir", str(given.data_dir))
    mail = ("mail", "test", "ada@example.com", *where)
    look = ("doctor", *where, "--quick", "--json")
    box = MailBox()
    with mail_server(box) as port, mail_server(others := MailBox()) as other_port:
        given.settings |= {
            "providers": "replay",
            "smtp_url": f"smtp://127.0.0.1:{port}?from=a@example.com&tls=none",
            "secret": "goats " * 8,
            "log_level": "warning",
        }
        with given.up() as up:
            assert up.says(given.ready), up.err
            path = settings_path(given.data_dir)
            mode, kept = stat.S_IMODE(path.stat().st_mode), path.read_text()
            found = msgspec.json.decode(command_line(*look).out)["findings"]
            sent = command_line(*mail)
            with pytest.MonkeyPatch.context() as patch:
                url = f"smtp://127.0.0.1:{other_port}?from=b@example.com&tls=none"
                patch.setenv("GOATHERD_SMTP_URL", url)
                sent_otherwise = command_line(*mail)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("GOATHERD_DATABASE_URL", f"{database_url}_of_others")
                elsewhere = command_line(*mail)
            up.process.kill()
            up.process.wait()
        # The next one has other settings, whatever the killed one has left.
        assert path.exists()
        del given.settings["smtp_url"]
        with given.up() as up:
            assert up.says(given.ready), up.err
            without = command_line(*mail)
            assert up.send(signal.SIGTERM) == 0

    by_name = {each["check"]: each for each in found}
    assert by_name["source"]["state"] == by_name["database"]["state"] == "ok"
    assert "replay" in by_name["source"]["text"]
    assert (sent.status, sent_otherwise.status) == (0, 0), sent.err
    assert [each["From"] for each in box.mails] == ["a@example.com"]
    assert [each["From"] for each in others.mails] == ["b@example.com"]
    for outcome in (elsewhere, without):
        assert "set GOATHERD_SMTP_URL" in outcome.err
    assert mode == 0o600
    for name in ("SECRET", "MASTER_KEY", "LOG_LEVEL", "DATA_DIR"):
        assert f"GOATHERD_{name}" not in kept
    assert not path.exists()


def test_a_data_directory_of_a_newer_version_is_refused(place: Place):
    place.data_dir.mkdir(mode=0o711)
    (place.data_dir / "format").write_text("99\n")

    with place.up() as up:
        assert "newer Goatherd (format 99" in refusal(up)


def test_a_database_of_a_newer_version_is_refused(given: Place, database_url: str):
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_migration VALUES (9999, 'later')")

    with given.up() as up:
        assert "used by a newer version" in refusal(up)


@pytest.mark.parametrize(
    ("name", "url", "lines"),
    (
        ("database_url", "postgresql://127.0.0.1:1/goats", "database cannot be reach"),
        ("database_url", "mysql://127.0.0.1/goats", "must be a postgresql:// address"),
        ("redis_url", "redis://127.0.0.1:1", "Redis cannot be reached"),
    ),
    ids=["no database", "another database", "no redis"],
)
def test_a_wrong_url_is_refused_before_anything_is_started(
    place: Place, name: str, url: str, lines: str
):
    place.settings[name] = url

    with place.up() as up:
        assert lines in refusal(up)
    assert place.left() == []
    assert not list(place.data_dir.parent.glob("*/postgres"))
    assert not list(place.data_dir.parent.glob("*/valkey"))


def test_a_process_that_cannot_start_ends_everything(given: Place):
    given.settings["recordings"] = "/no/such/goats"

    with given.up() as up:
        assert up.process.wait(PATIENTLY) == 1
        lines = up.err.splitlines()

    assert given.left() == []
    assert lines[-1] == "goatherd: `goatherd work` ended with status 1 while starting."
    assert "goatherd: /no/such/goats: No such file or directory" in lines
    assert up.out == ""


def test_an_interrupt_while_it_starts_leaves_nothing_behind(place: Place):
    with place.up() as up:
        assert wait_until(lambda: up.has("bin/postgres"), seconds=PATIENTLY)

        status = up.send(signal.SIGINT)

    assert status == 0
    assert up.out == ""
    assert place.left() == []
