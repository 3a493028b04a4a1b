"""Databases: connection pools, and the migrations that make the schema."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, sql
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from infra.arrays import Packed, PackedDumper, UuidListDumper
from infra.locks import AdvisoryLock
from infra.outage import NO_CONNECTION, OUTAGE
from infra.restoring import IS_RESTORING, RestoreUnfinishedError, check_restored

Pool = ConnectionPool[Connection[TupleRow]]
AsyncPool = AsyncConnectionPool[AsyncConnection[TupleRow]]

T = TypeVar("T")

READER_ROLE = "goatherd_reader"
# The names of connections: of a process of the service, and of a command.
PROCESS_NAME, COMMAND_NAME = "goatherd", "goatherd cli"
# People who are limited to some projects read with this role.
LIMITED_ROLE = "goatherd_limited"
# Reading a long log takes longer than a command may take.
NO_HURRY: LiteralString = """
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0
"""

_POOL: dict[str, Any] = {
    "min_size": 1,
    "open": False,
    "timeout": 2.0,
    # Each connection is a process of the server, so those of a burst end soon.
    "max_idle": 60.0,
    # After a failure a pool tries again, with a wait that doubles each time, and makes
    # no other attempt meanwhile. After this time the pool gives up, and the next
    # request for a connection makes a new attempt at once.
    "reconnect_timeout": 2.0,
}
_CUT = (psycopg.OperationalError, psycopg.InterfaceError)
_CONNECTION = {
    # Every statement commits by itself, so no transaction stays open by mistake.
    "autocommit": True,
    "application_name": PROCESS_NAME,
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
}
# Times are read and written in UTC, for any time zone of the server.
_UTC = "-c timezone=UTC"
_GUARDED = (
    f"{_UTC} -c lock_timeout=5s -c statement_timeout=15s "
    "-c idle_in_transaction_session_timeout=15s"
)
# A read that takes longer is a fault: pages read in milliseconds. Compiling a query
# takes longer than it saves, and lists of 100,000 creators are joined in memory.
# Passing a row between processes of the server costs less than PostgreSQL assumes.
_READING = (
    f"{_UTC} -c statement_timeout=2s -c default_transaction_read_only=on "
    "-c idle_in_transaction_session_timeout=15s "
    "-c jit=off -c work_mem=16MB -c parallel_tuple_cost=0.01"
)
_OWN = f"{_UTC} -c statement_timeout=2s -c lock_timeout=1s"


# The number of the first migration of 0.1.0. Earlier numbers were used before it.
FIRST_MIGRATION = 301
# The advice about data from before 0.1.0, after their name.
BEFORE_FIRST_RELEASE = (
    "is from before Goatherd 0.1.0, the first release, which cannot upgrade it. "
    "Nothing in it was changed: use it with the version that made it, or begin with an "
    "empty one."
)


class SchemaTooNewError(Exception):
    """The database has migrations of a newer Goatherd than this one."""


class SchemaBeforeReleaseError(Exception):
    """The database has migrations from before 0.1.0."""

    def __init__(self) -> None:
        super().__init__(f"The database {BEFORE_FIRST_RELEASE}")


class MissingRoleError(Exception):
    """A role for reads is missing, and the owner of the database may not make it."""

    def __init__(self, role: str, owner: str) -> None:
        super().__init__(
            f"PostgreSQL's role {role} is missing, or {owner} may not use it, and "
            f"{owner} may not create roles. Let a superuser run these two lines, the "
            f"first only if there is no such role, and start again:\n"
            f"CREATE ROLE {role} NOLOGIN;\n"
            f'GRANT {role} TO "{owner}" WITH ADMIN OPTION;'
        )


def writing_pool(url: str, *, size: int, even_restoring: bool = False) -> Pool:
    """Return an unopened pool for reading histories and appending events.

    As in the other pools, connections fail while a restore has not ended, except for
    the restore itself (``even_restoring``).
    """

    def configure(connection: Connection[TupleRow]) -> None:
        if not even_restoring:
            check_restored(connection)
        OUTAGE.back()
        connection.adapters.register_dumper(Packed, PackedDumper)

    return ConnectionPool(
        url,
        **_POOL,
        max_size=size,
        kwargs={**_CONNECTION, "options": _GUARDED},
        configure=configure,
        name="writing",
    )


def reading_pool(url: str, *, size: int) -> AsyncPool:
    """Return an unopened pool whose connections read one organization at a time.

    They use the reader role, to which row-level security applies, in read-only
    transactions.
    """

    async def become_reader(connection: AsyncConnection[TupleRow]) -> None:
        await _check_restored(connection)
        OUTAGE.back()
        connection.adapters.register_dumper(list, UuidListDumper)
        await connection.execute(
            sql.SQL("SET ROLE {}").format(sql.Identifier(READER_ROLE))
        )

    return AsyncConnectionPool(
        url,
        **_POOL,
        max_size=size,
        kwargs={**_CONNECTION, "options": _READING},
        configure=become_reader,
        name="reading",
    )


def own_pool(url: str, *, size: int) -> AsyncPool:
    """Return an unopened pool for the service's own data, such as keys and quotas."""

    async def note(connection: AsyncConnection[TupleRow]) -> None:
        await _check_restored(connection)
        OUTAGE.back()

    return AsyncConnectionPool(
        url,
        **_POOL,
        max_size=size,
        kwargs={**_CONNECTION, "options": _OWN},
        configure=note,
        name="own",
    )


def run_read(pool: Pool, read: Callable[[Connection[TupleRow]], T]) -> T:
    """Return the result of ``read``; try once more if the connection was cut.

    A restarting server cuts every idle connection of the pool. Without the second try,
    each of them would fail one caller.
    """
    try:
        with pool.connection() as connection:
            return read(connection)
    except _CUT as error:
        if isinstance(error, NO_CONNECTION):
            raise
        pool.check()
        with pool.connection() as connection:
            return read(connection)


async def run_read_async(
    pool: AsyncPool, read: Callable[[AsyncConnection[TupleRow]], Awaitable[T]]
) -> T:
    """Return the result of ``read`` as ``run_read`` does, on an asynchronous pool."""

    async def attempt() -> T:
        async with pool.connection() as connection:
            return await read(connection)

    return await again_if_cut(pool, attempt)


async def again_if_cut(pool: AsyncPool, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``attempt``, the second one if its connection was cut."""
    try:
        return await attempt()
    except _CUT as error:
        if isinstance(error, NO_CONNECTION):
            raise
        await pool.check()
        return await attempt()


async def _check_restored(connection: AsyncConnection[TupleRow]) -> None:
    row = await (await connection.execute(IS_RESTORING)).fetchone()
    if row is not None and row[0]:
        await connection.close()
        raise RestoreUnfinishedError


def known_migrations() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of every migration of this release, in order."""
    folder = resources.files("infra") / "migrations"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        (int(entry.name[:4]), entry.name[5:-4], entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def migrate(url: str) -> list[str]:
    """Create or upgrade the schema, and return the names of the migrations applied.

    Several processes may call this at the same time. Each migration is one transaction.

    Raises:
        SchemaTooNewError: the database knows a migration that this release does not.
        SchemaBeforeReleaseError: the database is from before 0.1.0.
        MissingRoleError: the owner may not create a role that is missing.
    """
    applied: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (AdvisoryLock.MIGRATE,))
        check_release(connection)
        create_reader(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (number int PRIMARY KEY, "
            "name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = check_schema(connection)
        for number, name, statements in known_migrations():
            if number in done:
                continue
            with connection.transaction():
                connection.execute(statements.encode())
                connection.execute(
                    "INSERT INTO schema_migration (number, name) VALUES (%s, %s)",
                    (number, name),
                )
            applied.append(name)
    return applied


def check_release(connection: Connection[TupleRow]) -> None:
    """Check that a database, if it has a schema, is of 0.1.0 or later.

    Raises:
        SchemaTooNewError, SchemaBeforeReleaseError: as in ``check_schema``.
    """
    found = connection.execute("SELECT to_regclass('schema_migration')").fetchone()
    if found is not None and found[0] is not None:
        check_schema(connection)


def check_schema(connection: Connection[TupleRow]) -> set[int]:
    """Return the numbers of the migrations that the database has.

    Raises:
        SchemaTooNewError: the database has one that this release does not know.
        SchemaBeforeReleaseError: the database has one from before 0.1.0.
    """
    done: set[int] = {
        row[0] for row in connection.execute("SELECT number FROM schema_migration")
    }
    if done and min(done) < FIRST_MIGRATION:
        raise SchemaBeforeReleaseError
    newest = max(number for number, _, _ in known_migrations())
    if done and max(done) > newest:
        msg = (
            f"The database has schema {max(done)}, this Goatherd knows {newest}: "
            "it was used by a newer version; install that one."
        )
        raise SchemaTooNewError(msg)
    return done


def create_reader(connection: Connection[TupleRow]) -> None:
    """Create the roles for reads that the server lacks, and allow us to use them.

    Raises:
        MissingRoleError: the owner may not create a role that is missing, or may not
            grant itself one that is there.
    """
    for name in (READER_ROLE, LIMITED_ROLE):
        try:
            _create_role(connection, name)
        except psycopg.errors.InsufficientPrivilege:
            owner = connection.execute("SELECT current_user").fetchone()
            assert owner is not None
            raise MissingRoleError(name, owner[0]) from None


def _create_role(connection: Connection[TupleRow], name: str) -> None:
    role = sql.Identifier(name)
    exists = connection.execute(
        "SELECT FROM pg_roles WHERE rolname = %s", (name,)
    ).fetchone()
    if exists is None:
        # Roles belong to the whole server, so the migration of another database may
        # create this one at the same time.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    may_use = connection.execute(
        "SELECT pg_has_role(current_user, %s, 'SET')", (name,)
    ).fetchone()
    if may_use is None or not may_use[0]:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
