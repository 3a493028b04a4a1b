"""The server process, killed while clients write: nothing lost, nothing doubled."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import psycopg

from domain import events as e
from infra.embedded.processes import wait_until
from infra.organizations import MadeOrganization
from projections.organizations.projection import ApiKeys
from tests.kit.application import BASE, SECRET
from tests.kit.builders import asking, log_of, make_organization, opened_store
from tests.kit.faults import kill_group
from tests.kit.paths import ROOT
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.ports import free_port, listens

CLIENTS = 4
KILLS = 3
BETWEEN_KILLS = 25
CREATED = (201, None)
IN_FLIGHT = (409, "idempotency_in_flight")


class Client:
    """Creates one creator after another, each until it is answered for good."""

    def __init__(self, number: int, port: int, path: str, key: str) -> None:
        self.number = number
        self.answered: dict[str, set[str]] = {}
        """The ids that were answered to each Idempotency-Key."""
        self.unheard = 0
        """How often nothing came back."""
        self._port = port
        self._path = path
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        }

    def run(self, until: threading.Event) -> None:
        count = 0
        while not until.is_set():
            handle = f"goat{self.number}.{count}"
            give_up = time.monotonic() + PATIENTLY
            while not self._answered(handle):
                assert time.monotonic() < give_up
                time.sleep(0.05)
            if count % 5 == 0:
                self._answered(handle)  # the same again, or nothing
            count += 1

    def _answered(self, handle: str) -> bool:
        """Ask for the creator, and tell whether it was answered."""
        answer = self.ask(handle)
        if answer is None:
            self.unheard += 1
        return answer == CREATED

    def ask(self, handle: str) -> tuple[int, str | None] | None:
        """Ask for the creator; None if nothing came back."""
        headers = {**self._headers, "Idempotency-Key": f"add {handle}"}
        body = json.dumps({"tiktok_handle": handle})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        said = answer.status, (content["meta"] or {}).get("code")
        assert said in {CREATED, IN_FLIGHT, (503, "unavailable")}, content
        if said == CREATED:
            self.answered.setdefault(handle, set()).add(content["data"]["id"])
        return said


@contextmanager
def server(url: str, port: int) -> Generator[subprocess.Popen[bytes]]:
    """The server that is shipped, as the leader of a group of its own."""
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws"]
    command += ["--port", str(port), "--log-level", "error", "--no-access-log"]
    command += ["--factory", "api.main:create"]
    environment = {
        **os.environ,
        "GOATHERD_DATABASE_URL": url,
        "GOATHERD_SECRET": SECRET,
    }
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            kill_group(process)


def made_home(url: str) -> tuple[MadeOrganization, str]:
    """An organization, and where creators are added to its project."""
    with opened_store(url) as store:
        home = make_organization(
            store,
            name="Herd",
            plan="unlimited",
            time_zone="UTC",
            context=asking(),
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )
    return home, f"{BASE}/projects/{home.project_id}/creators"


def test_whatever_was_answered_before_the_server_was_killed_is_there_once(
    database_url: str,
):
    port = free_port()
    home, path = made_home(database_url)
    clients = [Client(n, port, path, home.key) for n in range(CLIENTS)]
    enough = threading.Event()

    def answered() -> int:
        return sum(len(client.answered) for client in clients)

    def get_on() -> bool:
        goal = answered() + BETWEEN_KILLS
        return wait_until(lambda: answered() >= goal, seconds=PATIENTLY)

    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [threads.submit(client.run, enough) for client in clients]
        try:
            for _ in range(KILLS):
                with server(database_url, port) as process:
                    assert get_on()
                    kill_group(process)
            with server(database_url, port):
                assert get_on()
                enough.set()
                for client in running:
                    client.result(PATIENTLY)
        finally:
            enough.set()

    ids = {handle: i for client in clients for handle, i in client.answered.items()}
    assert all(len(found) == 1 for found in ids.values())
    assert sum(client.unheard for client in clients) >= KILLS
    stored = creators_in(database_url)
    assert stored == {handle: [*found] for handle, found in ids.items()}


def test_a_request_whose_process_was_killed_is_carried_out_by_another_within_seconds(
    database_url: str,
):
    home, path = made_home(database_url)
    doomed, other = free_port(), free_port()
    asker = Client(0, doomed, path, home.key)
    heir = Client(0, other, path, home.key)

    with (
        server(database_url, doomed) as process,
        server(database_url, other),
        psycopg.connect(database_url) as blocker,
        ThreadPoolExecutor(1) as threads,
    ):
        assert wait_until(lambda: listens(doomed) and listens(other), seconds=PATIENTLY)
        # Appends wait, so that the process is killed while it works on one.
        blocker.execute("LOCK TABLE goatherd_events IN EXCLUSIVE MODE")
        requested = threads.submit(asker.ask, "wanted")
        assert wait_until(lambda: leases(database_url) != [], seconds=PATIENTLY)
        (first,) = leases(database_url)
        while_it_lives = heir.ask("wanted")
        renewed = wait_until(lambda: leases(database_url) > [first], seconds=PATIENTLY)
        kill_group(process)
        killed_at = time.monotonic()
        blocker.rollback()
        assert wait_until(lambda: heir.ask("wanted") == CREATED, seconds=PATIENTLY)
        waited = time.monotonic() - killed_at

        assert requested.result(PATIENTLY) is None
    assert while_it_lives == IN_FLIGHT
    assert renewed
    assert waited < at_most(5)
    assert creators_in(database_url) == {"wanted": [*heir.answered["wanted"]]}


def leases(url: str) -> list[datetime]:
    """Until when requests that are being worked on are somebody's."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT lease_until FROM idempotency WHERE status IS NULL"
        )
        return [until for (until,) in rows]


def creators_in(url: str) -> dict[str, list[str]]:
    """The ids of the creators in the log, by handle."""
    found: dict[str, list[str]] = {}
    with opened_store(url) as store:
        for recorded in log_of(store, e.CreatorAdded):
            assert isinstance(recorded.event, e.CreatorAdded)
            found.setdefault(recorded.event.handle, []).append(str(recorded.stream))
    return found
