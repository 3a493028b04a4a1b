"""The checks of what Goatherd depends on: connections, clocks, Redis and the disk."""

import shutil

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.connections import available, needed
from api.cli.doctor.results import SkippedError, WarningError, WrongError
from api.cli.kit.databases import ping_redis, redis_url
from api.system.readiness import FULL_BYTES, NEARLY_FULL_BYTES
from infra import clocks
from infra.settings import Settings


def check_connections(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that the server has as many connections as the settings may need.

    Raises:
        WrongError: the server has fewer.
    """
    there_are, may_need = available(connection), needed(settings)
    if may_need > there_are:
        raise WrongError(
            f"These settings may need {may_need} connections, and PostgreSQL has "
            f"{there_are}.",
            advice="Raise its max_connections, or run fewer processes or smaller pools "
            "(GOATHERD_HTTP_WORKERS, GOATHERD_WORKER_PROCESSES, ..._POOL_SIZE).",
        )
    return f"PostgreSQL has {there_are}, and these settings need up to {may_need}."


def check_clocks(connection: Connection[TupleRow]) -> str:
    """Check that the clocks of this machine and the workers agree with the database's.

    Raises:
        WrongError: a clock differs.
    """
    offsets = connection.execute(clocks.OFFSETS, clocks.now()).fetchall()
    if off := clocks.clocks_off(offsets, names_workers=True):
        raise WrongError(
            f"{off[0].upper()}{off[1:]}.",
            advice="Synchronize the clocks of all machines with NTP: observations get "
            "the time of a worker's clock, and events that of the database's.",
        )
    return f"All {len(offsets)} agree to {clocks.OFF_SECONDS:.0f} s."


def check_redis(settings: Settings) -> str:
    """Check that Redis, which notifies the workers, answers.

    Raises:
        WrongError: Redis does not answer.
    """
    try:
        ping_redis(redis_url(settings))
    except CommandError as error:
        raise WrongError(
            str(error),
            advice="Start it, or correct GOATHERD_REDIS_URL; scrapes wait until then.",
        ) from None
    return "Redis answers."


def check_disk(settings: Settings) -> str:
    """Check that the data directory has free space, by the limits of readiness.

    Raises:
        WrongError: the space is used up.
        WarningError: the space is nearly used up.
        SkippedError: there is no data directory.
    """
    folder = settings.data_dir.absolute()
    if not folder.exists():
        raise SkippedError(f"There is no data directory {folder}.")
    # A link may lead to the files elsewhere.
    postgres = folder / "postgres"
    free = shutil.disk_usage(postgres if postgres.exists() else folder).free
    if free < NEARLY_FULL_BYTES:
        error = WrongError if free < FULL_BYTES else WarningError
        raise error(
            f"{folder} has {free / (1 << 20):.0f} MB left.",
            advice="Free some space: PostgreSQL stops when none is left.",
        )
    return f"{folder} has {free / (1 << 30):.0f} GB left."
