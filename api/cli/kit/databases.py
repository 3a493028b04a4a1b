"""The database and Redis of a command, and whether their schema fits this release."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import LiteralString, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from psycopg.rows import TupleRow, class_row

from api.cli import CommandError
from infra.database import COMMAND_NAME, check_schema, known_migrations
from infra.embedded import (
    EmbeddedPostgres,
    running_postgres_url,
    running_valkey_url,
)
from infra.eventstore.append import Context
from infra.eventstore.store import Store, open_store
from infra.ids import new_id
from infra.keys.erasures import check_erasures_applied
from infra.keys.opened import opened_keys
from infra.outage import is_out_of_connections
from infra.restoring import check_restored
from infra.settings import Settings

T = TypeVar("T")

OLDEST_SERVER = 16

_POLL_SECONDS = 0.1
_NOT_YET = {Ping.REJECT, Ping.NO_RESPONSE}

_START_IT = (
    "start it with `goatherd up`, or name its data directory with --data-dir or "
    "GOATHERD_DATA_DIR, or set "
)

_log = structlog.get_logger()


def database_url(settings: Settings) -> str:
    """Return the configured database, else the data directory's if it runs.

    Raises:
        CommandError: there is neither.
    """
    url = settings.database_url or running_postgres_url(settings.data_dir)
    if url is None:
        raise CommandError(
            f"No database runs in {where(settings)}: {_START_IT}GOATHERD_DATABASE_URL."
        )
    return url


@contextmanager
def served_database(settings: Settings) -> Generator[str]:
    """Yield the settings' database, or the database of a stopped data directory.

    The PostgreSQL of a data directory is started for as long as the block lasts, unless
    it runs.

    Raises:
        CommandError: there is neither.
        EmbeddedServiceError: the server cannot run, or another process starts it at the
            same time.
    """
    is_given = settings.database_url is not None
    if is_given or not (settings.data_dir / "postgres").exists():
        yield database_url(settings)
        return
    if (url := running_postgres_url(settings.data_dir)) is not None:
        yield url
        return
    server = EmbeddedPostgres(settings.data_dir)
    try:
        yield server.start()
    finally:
        server.stop()


def where(settings: Settings) -> str:
    """Return the full path of the data directory, with a note if it does not exist."""
    folder = settings.data_dir.expanduser().absolute()
    return str(folder) if folder.exists() else f"{folder}, which does not exist"


def redis_url(settings: Settings) -> str:
    """Return the configured Redis, else the data directory's if it runs.

    Raises:
        CommandError: there is neither.
    """
    url = settings.redis_url or running_valkey_url(settings.data_dir)
    if url is None:
        raise CommandError(
            f"No Valkey runs in {where(settings)}: {_START_IT}GOATHERD_REDIS_URL."
        )
    return url


def ping_redis(url: str) -> None:
    """Check that the Redis or Valkey at ``url`` answers.

    Raises:
        CommandError: there is no answer.
    """
    # The library takes long to load, and most commands do not need it.
    import redis

    try:
        client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_timeout=5, socket_connect_timeout=5
        )
        with client:
            client.ping()  # pyright: ignore[reportUnknownMemberType]
    except (redis.RedisError, ValueError) as error:
        raise CommandError(f"Redis cannot be reached: {error}") from error


def wait_for_database(settings: Settings) -> None:
    """Wait until the database accepts connections, or the settings' patience ends.

    A process that is started while PostgreSQL restarts would otherwise have to be
    started again. If the address is wrong, the next connection reports that.
    """
    patience = settings.database_patience_seconds
    conninfo = make_conninfo(database_url(settings), connect_timeout=5).encode()
    deadline = time.monotonic() + patience
    is_logged = False
    while time.monotonic() < deadline and PGconn.ping(conninfo) in _NOT_YET:
        if not is_logged:
            _log.warning("database_waited_for", seconds=patience)
            is_logged = True
        time.sleep(_POLL_SECONDS)


@contextmanager
def connected(url: str) -> Generator[Connection[TupleRow]]:
    """Open a connection, in autocommit, to a server that is new enough.

    Raises:
        CommandError: the server cannot be reached, or is too old.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=5, application_name=COMMAND_NAME
        )
    except psycopg.Error as error:
        if is_out_of_connections(error):
            raise CommandError(
                "The database runs and has no connection left: run fewer processes, "
                "make their pools smaller (GOATHERD_..._POOL_SIZE), or raise "
                "PostgreSQL's max_connections."
            ) from error
        raise CommandError(f"The database cannot be reached: {error}") from error
    with connection:
        version = connection.info.server_version // 10_000
        if version < OLDEST_SERVER:
            raise CommandError(
                f"The database runs on PostgreSQL {version}: Goatherd needs "
                f"{OLDEST_SERVER} or newer."
            )
        yield connection


def check_fit(connection: Connection[TupleRow]) -> None:
    """Check that the schema fits this release.

    Raises:
        CommandError: the schema is missing or older.
        SchemaTooNewError: the schema is newer.
        RestoreUnfinishedError: a restore into the database has not ended.
    """
    check_restored(connection)
    try:
        done = check_schema(connection)
    except psycopg.errors.UndefinedTable:
        raise CommandError(
            "The database has no Goatherd schema yet: make it with `goatherd migrate`."
        ) from None
    missing = {number for number, _, _ in known_migrations()} - done
    if missing:
        raise CommandError(
            f"The database's schema is older than this Goatherd ({len(missing)} steps "
            "are missing): upgrade it with `goatherd migrate`."
        )


@contextmanager
def fitting(settings: Settings) -> Generator[Connection[TupleRow]]:
    """Open a connection to the settings' database, and check its schema.

    Raises:
        CommandError, SchemaTooNewError: there is no such database.
    """
    with connected(database_url(settings)) as connection:
        check_fit(connection)
        yield connection


def rows_of(
    connection: Connection[TupleRow],
    kind: type[T],
    sql: LiteralString | bytes,
    parameters: Mapping[str, object] | None = None,
) -> list[T]:
    """Return the rows of a query, whose columns are the fields of the struct."""
    cursor = connection.cursor(row_factory=class_row(kind))
    return cursor.execute(sql, parameters).fetchall()


@contextmanager
def opened_store(settings: Settings, *, pool_size: int = 2) -> Generator[Store]:
    """Open the store on the settings' database, and check its schema.

    Raises:
        CommandError, SchemaTooNewError: there is no such database.
        MasterKeyError: the database's master key is missing, or is another one.
        RestoreUnfinishedError: a restore into the database has not ended.
    """
    url = database_url(settings)
    with connected(url) as connection:
        check_fit(connection)
        opened_keys(settings, connection)
        check_erasures_applied(connection)
    store = open_store(url, pool_size=pool_size, settings=settings)
    try:
        yield store
    finally:
        store.pool.close()


def cli_context(actor: str = "cli") -> Context:
    """Return the context in which the command line records events."""
    command_id: UUID = new_id()
    return Context(actor=actor, command_id=command_id)
