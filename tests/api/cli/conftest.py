"""The command line, on a database of the test's own."""

from pathlib import Path

import pytest

from tests.kit.command_line import CommandLine


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
) -> CommandLine:
    """A command line on the test's database."""
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=tmp_path, database_url=database_url)
    return line
