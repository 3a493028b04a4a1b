"""The old version's database, as its dump has it, for each test anew."""

import gzip
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.kit.command_line import CommandLine
from tests.kit.databases import new_database
from tests.upgrade.answers import DATABASE


@pytest.fixture(scope="session")
def old_template(postgres_url: str) -> Iterator[str]:
    """The name of a database that the dump was restored into."""
    with new_database(postgres_url) as url:
        restore(url)
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def old_database_url(postgres_url: str, old_template: str) -> Iterator[str]:
    """The URL of a database of the test's own, as the old version left it."""
    with new_database(postgres_url, template=old_template) as url:
        yield url


@pytest.fixture
def cli(
    old_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """The command line of this version, on that database."""
    cli = CommandLine(monkeypatch, capsys)
    cli.set(database_url=old_database_url)
    return cli


def restore(url: str, dump: Path = DATABASE) -> None:
    """Carry out the dump in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        # A role belongs to the whole server, and a dump has only what is a database's.
        with suppress(psycopg.errors.DuplicateObject):
            connection.execute("CREATE ROLE goatherd_reader NOLOGIN")
        connection.execute(gzip.decompress(dump.read_bytes()))
