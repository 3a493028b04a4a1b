"""The clients of a campaign: they ask for commands until each is acknowledged."""

import http.client
import json
import threading
import time
from collections import Counter
from random import Random
from typing import NamedTuple
from uuid import uuid4

import msgspec

CLIENTS = 4
BASE = "/api/v1"

_ANSWER_SECONDS = 8.0
_RETRY_SECONDS = 0.1
_PAUSE_SECONDS = 0.2

# Codes after which a client shall repeat its request.
_AGAIN = {"idempotency_in_flight", "unavailable", "projection_behind"}


class Answered(NamedTuple):
    """A command that was acknowledged: the request, and its answer."""

    path: str
    body: bytes
    status: int
    content: bytes


class Outcome(msgspec.Struct, kw_only=True):
    """The observations of a campaign; ``violations`` are sentences."""

    acknowledged: int = 0
    repeated: int = 0
    refused: int = 0
    unheard: int = 0
    scrapes: int = 0
    longest_seconds: float = 0.0
    killed: Counter[str] = msgspec.field(default_factory=Counter[str])
    frozen: Counter[str] = msgspec.field(default_factory=Counter[str])
    violations: list[str] = msgspec.field(default_factory=list[str])

    @property
    def faults(self) -> int:
        """The number of processes that were killed or frozen."""
        return self.killed.total() + self.frozen.total()

    def summary(self) -> str:
        lines = [
            f"Acknowledged commands              {self.acknowledged}",
            f"Answers repeated and compared      {self.repeated}",
            f"Scrapes that ended once            {self.scrapes}",
            f"Killed                             {_counted(self.killed)}",
            f"Frozen for a while                 {_counted(self.frozen)}",
            f"Requests without an answer         {self.unheard}",
            f"Connections refused                {self.refused}",
            f"Longest time without an answer     {self.longest_seconds:.1f} s",
            f"Violations                         {len(self.violations)}",
            *(f"  {violation}" for violation in self.violations[:20]),
        ]
        return "\n".join(lines)


class Clients:
    """Several clients that ask for one command after another."""

    def __init__(self, port: int, key: str, *, seed: int) -> None:
        self.answered: dict[str, Answered] = {}
        self.outcome = Outcome()
        self.is_over = threading.Event()
        self._port = port
        self._key = key
        self._seed = seed
        self._lock = threading.Lock()
        self._last_at = time.monotonic()
        self._project = self._first_project()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        self._last_at = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each have its last command acknowledged."""
        self.is_over.set()
        for thread in self._threads:
            thread.join()

    def repeat(self, key: str) -> None:
        """Repeat the answered requests, and compare the answers."""
        first = self.answered[key]
        again = self._until_answered(key, first.path, first.body)
        self.outcome.repeated += 1
        if (again.status, again.content) != (first.status, first.content):
            self.violate(f"{key} was answered with {again.status}, in another way")

    def violate(self, sentence: str) -> None:
        self.outcome.violations.append(sentence)

    def _run(self, number: int) -> None:
        random = Random(self._seed * 1_000 + number)  # noqa: S311
        mine: list[str] = []
        creators: list[str] = []
        count = 0
        while not self.is_over.is_set():
            key = f"{number}.{count}.{uuid4()}"
            if mine and random.random() < 0.2:
                self.repeat(random.choice(mine))
            elif creators and random.random() < 0.3:
                path = f"{BASE}/creators/{random.choice(creators)}/scrape"
                self._ask_once(key, path, {"job_type": "creator_profiles"})
                mine.append(key)
            else:
                path = f"{BASE}/projects/{self._project}/creators"
                self._ask_once(key, path, {"tiktok_handle": f"goat.{number}.{count}"})
                mine.append(key)
                made = json.loads(self.answered[key].content)["data"]
                creators.append(made["id"])
            count += 1
            self.is_over.wait(_PAUSE_SECONDS * random.random() * 2)

    def _ask_once(self, key: str, path: str, body: dict[str, str]) -> None:
        encoded = json.dumps(body).encode()
        self.answered[key] = self._until_answered(key, path, encoded)
        with self._lock:
            self.outcome.acknowledged += 1

    def _until_answered(self, key: str, path: str, body: bytes) -> Answered:
        while True:
            answer = self._ask("POST", path, key=key, body=body)
            if answer is not None and answer.status < 300:
                self._heard()
                return answer
            if answer is not None:
                code = (json.loads(answer.content)["meta"] or {}).get("code")
                if code not in _AGAIN:
                    self.violate(f"{path} was answered with {answer.status} {code}")
                    return answer
            time.sleep(_RETRY_SECONDS)

    def _ask(
        self, method: str, path: str, *, key: str = "", body: bytes = b""
    ) -> Answered | None:
        """Return the answer, None if there was none."""
        headers = {"Authorization": f"Bearer {self._key}"}
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=_ANSWER_SECONDS
        )
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return Answered(path, body, answer.status, answer.read())
        except ConnectionRefusedError:
            self.outcome.refused += 1
        except (OSError, http.client.HTTPException):
            self.outcome.unheard += 1
        finally:
            connection.close()
        return None

    def _heard(self) -> None:
        with self._lock:
            now = time.monotonic()
            silence, self._last_at = now - self._last_at, now
            longest = max(self.outcome.longest_seconds, silence)
            self.outcome.longest_seconds = longest

    def _first_project(self) -> str:
        found = self._ask("GET", f"{BASE}/projects")
        assert found is not None
        return json.loads(found.content)["data"][0]["id"]


def _counted(counts: Counter[str]) -> str:
    named = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return f"{counts.total()} ({named})" if counts else "0"
