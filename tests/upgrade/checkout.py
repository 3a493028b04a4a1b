"""The old version at work: commands and processes of a checkout of it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

PATIENTLY = 120.0


class Checkout:
    """A checkout with its own ``.venv``, run with given GOATHERD_ settings."""

    def __init__(
        self, path: Path, *, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self._command = path.resolve() / ".venv" / "bin" / "goatherd"
        self._folder = folder
        self.settings = dict(settings)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("GOATHERD_")},
            **{f"GOATHERD_{k.upper()}": v for k, v in self.settings.items()},
        }

    def run(self, *words: str) -> str:
        """Run a command to its end, and return what it printed."""
        done = subprocess.run(
            [self._command, *words],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            cwd=self._folder,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def document(self, *words: str) -> Any:  # noqa: ANN401
        """Run a command with --json, and return the document."""
        return msgspec.json.decode(self.run(*words, "--json"))

    @contextmanager
    def running(self, *words: str) -> Generator[Path]:
        """Run a command that goes on until it is told to stop; gives its output."""
        output = self._folder / f"{words[0]}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [self._command, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
            )
        try:
            yield output
        except AssertionError as error:
            error.add_note(output.read_text())
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENTLY)
        assert process.returncode in {0, -signal.SIGTERM}, output.read_text()


class Client:
    """Asks the old version over HTTP, with one key."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
            timeout=30,
        )

    def ask(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self._client.request(method, path, headers=headers, json=json)

    def data(self, method: str, path: str, json: object = None) -> Any:  # noqa: ANN401
        """Return the data of an answer, which must be a success."""
        answer = self.ask(method, f"/api/v1{path}", json)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()["data"]


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENTLY
    while not is_so():
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        time.sleep(0.1)
