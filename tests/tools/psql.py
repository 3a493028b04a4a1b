"""Opens psql on the database of ``make up``: ``make psql ARGS="-c '...'"``.

GOATHERD_DATABASE_URL and GOATHERD_DATA_DIR name another database or data directory. The
program is the one of the embedded PostgreSQL, so that nothing has to be installed.
"""

import os
import sys

from api.cli import CommandError, print_error
from api.cli.kit.databases import database_url
from api.cli.kit.options import read_settings
from infra.embedded.binaries import client_programs


def command(arguments: list[str]) -> list[str]:
    """Return the command line of psql for the settings' database.

    Raises:
        CommandError: no database runs, or there is no psql.
    """
    url = database_url(read_settings())
    programs = client_programs("psql")
    if not programs:
        raise CommandError("There is no psql: install PostgreSQL's client programs.")
    newest, _ = max(programs, key=lambda program: program[1])
    return [str(newest), url, *arguments]


if __name__ == "__main__":
    try:
        words = command(sys.argv[1:])
    except CommandError as error:
        sys.exit(print_error(error, status=1))
    os.execv(words[0], words)  # noqa: S606
