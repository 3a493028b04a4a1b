"""Runs all checks of ``goatherd doctor``, in order."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from msgspec import structs
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.doctor import checks, dependencies, scrapes
from api.cli.doctor.results import Finding, SkippedError, WarningError, WrongError
from api.cli.kit.databases import check_fit, connected, database_url, served_database
from api.cli.kit.options import read_settings
from api.cli.kit.output import progress_bar
from application.integrity.kept_keys import key_faults
from application.integrity.log import head_of, parts_with_events, recorded_roots
from application.integrity.plan import make_plan, ranges_of
from application.integrity.verify import check_positions
from domain.integrity.chains import name_and_body_of
from infra.database import SchemaBeforeReleaseError, SchemaTooNewError
from infra.embedded import EmbeddedServiceError
from infra.eventstore.codec import Codec, UnknownEventError
from infra.keys.installation_keys import check_keys_there, is_initialized
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.opened import opened_master_key
from infra.restoring import RestoreUnfinishedError
from infra.settings import Settings, SettingsError

# The number of positions that are read at a time.
BATCH = 5_000
_NAMED_AT_MOST = 3


def check_event_log(connection: Connection[TupleRow]) -> str:
    """Read every event, and compare the digest chains of all streams.

    Raises:
        WrongError: an event cannot be read, or differs from what was recorded.
    """
    codec = Codec()
    broken: set[int] = set()
    unreadable: list[UnknownEventError] = []
    plan = make_plan(recorded_roots(connection), head=head_of(connection))
    ranges = ranges_of(plan, parts_with_events(connection, 0, BATCH), length=BATCH)
    read = 0
    with progress_bar("Reading the event log", total=len(ranges)) as advance:
        for first, last in ranges:
            events, checked = check_positions(
                connection, first, last, times_from=plan.times_from
            )
            read += len(events)
            broken.update(misfit.position for misfit in checked.misfits)
            for _, _, message in events:
                try:
                    codec.decode(*name_and_body_of(message))
                except UnknownEventError as error:
                    unreadable.append(error)
            advance(1)
    if broken:
        raise WrongError(
            f"{len(broken)} of {read} events are not what was recorded, or follow a "
            f"missing event: position {_some(sorted(broken))}.",
            advice="Somebody changed the table goatherd_events: `goatherd verify` says "
            "how. Restore a backup from before the change, and find out who can "
            "write to the table.",
        )
    if unreadable:
        raise WrongError(
            f"{len(unreadable)} of {read} events cannot be read: {unreadable[0]}",
            advice="A newer Goatherd wrote these events: run that release.",
        )
    return f"All {read} events can be read and are what was recorded."


def _some(positions: list[int]) -> str:
    named = ", ".join(map(str, positions[:_NAMED_AT_MOST]))
    return f"{named}, ..." if len(positions) > _NAMED_AT_MOST else named


def check_keys(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that every key can be opened, and that keys and erasures agree.

    Raises:
        WrongError: the master key is missing or another one; or a key cannot be opened,
            is missing, exists after its erasure, or is destroyed without an erasure.
    """
    try:
        faults = key_faults(connection, _master_key(connection, settings))
    except MasterKeyError as error:
        raise WrongError(
            str(error),
            advice="Restore the right master key, from a file of keys or another copy, "
            "before Goatherd starts.",
        ) from None
    if faults:
        raise WrongError(
            " ".join(fault.text for fault in faults), advice=faults[0].advice
        )
    return "Everybody in the log has a key, and no erased person has one."


def _master_key(
    connection: Connection[TupleRow], settings: Settings
) -> MasterKey | None:
    """Return the master key, None for a database that was never used with one.

    Raises:
        MasterKeyError: the key is not the database's, or the keys are gone.
    """
    check_keys_there(connection)
    if not is_initialized(connection):
        return None
    return opened_master_key(settings, connection)


_Check = Callable[[Connection[TupleRow]], str]


def run_checks(
    *, data_dir: Path | None, quick: bool, at_rest: bool
) -> Iterator[Finding]:
    """Make every check and yield its finding.

    With ``quick`` the event log is not read. With ``at_rest`` the check for running
    processes is left out, and the PostgreSQL of the data directory is started for the
    checks.
    """
    try:
        settings = read_settings(data_dir=data_dir)
    except SettingsError as error:
        yield _wrong("settings", error, "Change that variable, or unset it.")
        # Checks that do not need the failed part can still be made.
        settings = _readable_settings(data_dir)
    else:
        yield Finding(check="settings", state="ok", text="All can be read.")
    yield from _check_database(settings, quick=quick, at_rest=at_rest)
    if not at_rest:
        yield _found("redis", lambda: dependencies.check_redis(settings))
    yield _found("disk", lambda: dependencies.check_disk(settings))


def _check_database(
    settings: Settings, *, quick: bool, at_rest: bool
) -> Generator[Finding]:
    found = served_database if at_rest else _running_database
    try:
        with found(settings) as url, connected(url) as connection:
            server = connection.info.server_version // 10_000
            yield Finding(check="database", state="ok", text=f"PostgreSQL {server}.")
            try:
                check_fit(connection)
            except (
                CommandError,
                SchemaBeforeReleaseError,
                SchemaTooNewError,
                RestoreUnfinishedError,
            ) as error:
                yield _wrong("schema", error, None)
                return
            yield Finding(check="schema", state="ok", text="The schema is up to date.")
            if not at_rest:
                yield _found(
                    "connections",
                    lambda: dependencies.check_connections(connection, settings),
                )
            yield _found("clocks", lambda: dependencies.check_clocks(connection))
            yield from _check_contents(
                connection, settings, quick=quick, at_rest=at_rest
            )
    except (CommandError, EmbeddedServiceError) as error:
        advice = "Start it, or correct GOATHERD_DATABASE_URL."
        if isinstance(error.__cause__, psycopg.Error):
            advice = "Read the server's own log."
        yield _wrong("database", error, advice)
    except psycopg.OperationalError as error:
        yield _wrong(
            "connection", error, "Find out why the check broke, and run it again."
        )


@contextmanager
def _running_database(settings: Settings) -> Generator[str]:
    yield database_url(settings)


def _check_contents(
    connection: Connection[TupleRow],
    settings: Settings,
    *,
    quick: bool,
    at_rest: bool,
) -> Generator[Finding]:
    if quick:
        yield Finding(check="event log", state="skipped", text="Not read (--quick).")
    else:
        yield _found("event log", lambda: check_event_log(connection))
        yield _found("keys", lambda: check_keys(connection, settings))
    made: dict[str, _Check] = {
        "roots": checks.check_roots,
        "projections": checks.check_projections,
        "dead letters": checks.check_dead_letters,
        "scrapes": lambda connection: checks.check_jobs(connection, settings),
        "schedule": checks.check_schedule,
        "reports": checks.check_reports,
        "creators": scrapes.check_creators,
        "source": lambda connection: scrapes.check_source(connection, settings),
        "capacity": lambda connection: scrapes.check_capacity(connection, settings),
        "creator counts": checks.check_quota_counters,
    }
    if at_rest:
        made["projections"] = checks.check_projections_at_rest
        # These checks show whether processes run, and with what results.
        for name in ("roots", "scrapes", "schedule", "reports", "creators", "source"):
            del made[name]
        del made["capacity"]
    for name, check in made.items():
        yield _found(name, lambda check=check: check(connection))


def _found(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(check=name, state="ok", text=check())
    except WarningError as error:
        return structs.replace(_wrong(name, error, error.advice), state="warning")
    except WrongError as error:
        return _wrong(name, error, error.advice)
    except SkippedError as error:
        return Finding(check=name, state="skipped", text=str(error))


def _wrong(name: str, error: Exception, advice: str | None) -> Finding:
    text = " ".join(str(error).split())
    return Finding(check=name, state="wrong", text=text, advice=advice)


def _readable_settings(data_dir: Path | None) -> Settings:
    settings = Settings()
    for variable, text in os.environ.items():
        try:
            one = Settings.from_environment({variable: text})
        except SettingsError:
            continue
        changed = {
            name: value
            for name, value in structs.asdict(one).items()
            if value != getattr(Settings(), name)
        }
        settings = structs.replace(settings, **changed)
    return structs.replace(settings, data_dir=data_dir) if data_dir else settings
