"""The command line, on a database of the test's own."""

from pathlib import Path

import pytest

from tests.kit.command_line import CommandLine


@pytest.fixture
def cli(
    command_line: CommandLine,
    tmp_path: Path,
    database_url: str,
) -> CommandLine:
    """A command line on the test's database."""
    command_line.set(data_dir=tmp_path, database_url=database_url)
    return command_line
