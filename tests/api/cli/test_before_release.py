"""Data from before 0.1.0 are refused, and nothing of them changes."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest

from application.backup.archive import Backup, Manifest
from application.backup.errors import BackupError
from application.backup.load import check_content
from application.backup.programs import program
from tests.kit.command_line import CommandLine

# The old chain began with the number 1; a database may have stopped anywhere in it.
_TABLE = """
CREATE TABLE schema_migration (number int PRIMARY KEY, name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now());
INSERT INTO schema_migration (number, name)
SELECT number, 'old' FROM generate_series(1, {}) AS number;
CREATE TABLE goatherd_events (notification_id bigint);
"""


def dumped(url: str) -> str:
    with psycopg.connect(url) as connection:
        server = connection.info.server_version // 10_000
    words = [program("pg_dump", server=server).path, "--restrict-key=x", url]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def content(folder: Path) -> Mapping[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("migrations", (1, 58, 290))
@pytest.mark.parametrize(
    "words", (["migrate"], ["keys", "list"], ["doctor"]), ids=" ".join
)
def test_a_database_is_refused_at_each_schema(
    cli: CommandLine, empty_database_url: str, migrations: int, words: list[str]
):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(_TABLE.format(migrations).encode())
    cli.set(database_url=empty_database_url)
    before = dumped(empty_database_url)

    refused = cli(*words)

    assert refused.status == 1
    assert "from before Goatherd 0.1.0" in refused.out + refused.err
    assert dumped(empty_database_url) == before


def test_a_data_directory_is_refused_without_a_change(cli: CommandLine, tmp_path: Path):
    folder = tmp_path / "data"
    cluster = folder / "postgres" / "data"
    cluster.mkdir(parents=True)
    (folder / "format").write_text("1\n")
    (folder / "secret").write_text("old\n")
    (cluster / "PG_VERSION").write_text("18\n")
    before = content(folder)

    refused = cli("up", "--data-dir", str(folder), "--port", "9600")

    assert refused.status == 1
    assert f"{folder} is from before Goatherd 0.1.0" in refused.complaint
    assert content(folder) == before


def test_a_backup_is_refused(tmp_path: Path):
    manifest = Manifest(
        goatherd="0.0.1",
        made_at=datetime(2026, 12, 1, tzinfo=UTC),
        postgresql=18,
        pg_dump=18,
        schema=290,
        position=1,
    )
    file = tmp_path / "backup"

    with (
        ZipFile(file, "w") as archive,
        pytest.raises(BackupError, match=r"backup is from before Goatherd 0\.1\.0"),
    ):
        check_content(file, Backup(archive, manifest), {"all"})
