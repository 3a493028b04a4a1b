"""Rebuilds that are due: of older rules, or begun and left by whoever did them."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from projections.projection import ReadModel
from projections.rebuilds import rebuilds


def outdated(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return those whose rows are of older rules than these."""
    stored = dict(connection.execute("SELECT name, version FROM projection").fetchall())
    return [
        each for each in known if stored.get(each.name, each.version) < each.version
    ]


def unfinished(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return those whose rebuild runs, or would if its builder had not died.

    What was cancelled or refused, and what failed, is not among them, nor are dry runs:
    somebody waits for what they say.
    """
    running = {
        (r.name, r.version)
        for r in rebuilds(connection)
        if r.is_running and not r.is_dry_run
    }
    return [each for each in known if (each.name, each.version) in running]
