"""Pictures of erased people: their copies are deleted, and not made again."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.erase.values import ErasedValue
from domain.video.url import picture_name
from infra.database import Pool

# The folder in the data directory of each machine that serves pages.
PICTURES = "images"

# A page that was opened before has the addresses in it, which TikTok signs for days.
KEPT_DAYS = 7

_ADD = """
INSERT INTO erased_pictures (name)
SELECT name FROM unnest(%s::text[]) AS name ORDER BY name
"""
_PRUNE = """
DELETE FROM erased_pictures
WHERE erased_at < clock_timestamp() - make_interval(days => %s)
"""


def names_of(values: Iterable[ErasedValue]) -> set[str]:
    """Return the file names of the copies of pictures among the values."""
    return {picture_name(value.text) for value in values if value.kind == "picture"}


def erase_pictures(
    cursor: Cursor[TupleRow], values: Iterable[ErasedValue], data_dir: Path
) -> None:
    """Note the pictures as erased, for all servers, and delete the copies here.

    A server that stores a copy before this commits deletes it afterwards.
    """
    names = names_of(values)
    if names:
        cursor.execute(_ADD, (sorted(names),))
        forget_pictures(data_dir.expanduser() / PICTURES, names)


def forget_pictures(folder: Path, names: Iterable[str]) -> None:
    """Delete the copies with these names."""
    for name in names:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def prune(pool: Pool) -> int:
    """Delete notes that are more than a week old; return their number."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE, (KEPT_DAYS,)).rowcount
