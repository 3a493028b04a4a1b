"""The dump of the demo's database as 0.1.0 leaves it, and its answers.

The schema is that of an empty database, since the clock of the walls is in the demo's.
"""

import gzip
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from application.backup.programs import program
from infra.database import create_reader, migrate
from tests.kit.databases import new_database
from tests.walls.answers import answers
from tests.walls.demo import Demo

FOLDER = Path(__file__).parent / "from_0_1_0"
DATABASE = FOLDER / "database.sql.gz"
ANSWERS = FOLDER / "answers.json.gz"
# Lines of psql, or of servers newer than the oldest one that Goatherd knows.
_OTHERS = ("\\", "SET transaction_timeout")


class Recorded(msgspec.Struct, frozen=True):
    """The time and the key of the questions, and the lines of each answer."""

    at: datetime
    key: str
    answers: dict[str, list[str]]


def write(demo: Demo, server_url: str) -> None:
    """Write the dump of a demo, and its answers."""
    FOLDER.mkdir(exist_ok=True)
    recorded = Recorded(datetime.now(UTC), demo.tenant.key, answers(demo))
    with new_database(server_url) as url:
        migrate(url)
        schema = _dumped(url, "--schema-only")
    rows = _dumped(
        demo.goatherd.url,
        *("--data-only", "--rows-per-insert=200", "--exclude-table=pinned_clock"),
    )
    DATABASE.write_bytes(gzip.compress(f"{schema}{rows}".encode(), 9, mtime=0))
    ANSWERS.write_bytes(gzip.compress(msgspec.json.encode(recorded), 9, mtime=0))


def restore(url: str) -> None:
    """Carry out the dump in a database without tables of Goatherd's."""
    with psycopg.connect(url, autocommit=True) as connection:
        create_reader(connection)
        connection.execute(gzip.decompress(DATABASE.read_bytes()))


def recorded() -> Recorded:
    return msgspec.json.decode(gzip.decompress(ANSWERS.read_bytes()), type=Recorded)


def _dumped(url: str, *options: str) -> str:
    with psycopg.connect(url) as connection:
        server = connection.info.server_version // 10_000
    words: list[Any] = [
        program("pg_dump", server=server).path,
        *options,
        "--no-owner",
        url,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_OTHERS))
