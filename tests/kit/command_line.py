"""The command line as people use it: words in, text out, processes that run."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
import pytest

from api.cli import main
from infra.embedded.processes import wait_until
from infra.settings import PREFIX
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.paths import ROOT
from tests.kit.patience import PATIENTLY

_MAIN = "\nimport sys; from api.cli import main; sys.exit(main())"


class Outcome(NamedTuple):
    """The exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401
        """The one JSON document that is all of stdout."""
        assert self.status == 0, self.err
        return msgspec.json.decode(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr that says why it failed."""
        (line,) = self.err.splitlines()
        assert line.startswith("goatherd: ")
        return line.removeprefix("goatherd: ")


class CommandLine:
    """Carries out command lines in this process."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in bare(os.environ, ours=True):
            monkeypatch.delenv(name)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def set(self, **settings: object) -> None:
        """Set GOATHERD_ variables; the tests' databases have their key and source."""
        for name, value in variables(settings).items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, *words: str) -> Outcome:
        status = main(words)
        written = self._capsys.readouterr()
        return Outcome(status, written.out, written.err)


class Running:
    """A command that runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> str:
        return (self._folder / f"{self.pid}.out").read_text()

    @property
    def err(self) -> str:
        return (self._folder / f"{self.pid}.err").read_text()

    def says(self, text: str) -> bool:
        """Wait until it has written the text; False if it ended without."""
        wait_until(lambda: text in self.out or self._ended(), seconds=PATIENTLY)
        return text in self.out

    def send(self, sent: signal.Signals) -> int:
        """Send a signal, and return the status it ends with."""
        self.process.send_signal(sent)
        return self.process.wait(PATIENTLY)

    def children(self, *, deep: bool = False) -> list[psutil.Process]:
        """The processes it started, with all that these started if that is asked."""
        return living(psutil.Process(self.pid).children(recursive=deep))

    def child(self, words: str) -> psutil.Process | None:
        """The child whose command line holds the words."""
        for child in self.children():
            try:
                if words in " ".join(child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    def has(self, words: str) -> bool:
        """True if the process has such a child."""
        return self.child(words) is not None

    def _ended(self) -> bool:
        return self.process.poll() is not None


def _as_in_tests(settings: Mapping[str, object]) -> dict[str, object]:
    in_tests = {"master_key": MASTER_KEY_TEXT, "providers": "replay"}
    return {**(in_tests if "database_url" in settings else {}), **settings}


def variables(settings: Mapping[str, object]) -> dict[str, str]:
    """The GOATHERD_ variables of these settings, without those that are None."""
    return {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in _as_in_tests(settings).items()
        if value is not None
    }


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The processes that still run, without those that only wait to be reaped."""
    found: list[psutil.Process] = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@contextmanager
def running(
    *words: str, settings: Mapping[str, object], folder: Path, before: str = ""
) -> Generator[Running]:
    """Run a command with these GOATHERD_ settings; its output goes to the folder.

    ``before`` is Python that the process runs first. A process that is left at the end
    is told to stop, and its own supervisor sees to the rest should it not listen.
    """
    environment = bare(os.environ) | variables(settings)
    environment["PYTHONPATH"] = str(ROOT)
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", before + _MAIN, *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    out.rename(folder / f"{process.pid}.out")
    err.rename(folder / f"{process.pid}.err")
    try:
        yield Running(process, folder)
    finally:
        process.terminate()
        try:
            process.wait(PATIENTLY)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bare(environ: Mapping[str, str], *, ours: bool = False) -> dict[str, str]:
    """The environment without our settings, or our settings alone."""

    def is_ours(name: str) -> bool:
        return name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")

    return {k: v for k, v in environ.items() if is_ours(k) is ours}
