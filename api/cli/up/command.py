"""``goatherd up``: everything on one machine, with the servers it needs."""

import os
import socket
import sys
from collections.abc import Collection
from typing import Annotated

import psycopg
import structlog
from cyclopts import Parameter
from msgspec.structs import replace

from api.cli import CommandError
from api.cli.connections import (
    SPARE,
    available,
    needed,
    pool_variables,
    with_fitting_pools,
)
from api.cli.kit.databases import connected, opened_store, ping_redis
from api.cli.kit.kept_settings import keep_settings
from api.cli.kit.options import DataDir, Host, Port, own_settings
from api.cli.up.data_dir_lock import data_dir_locked
from api.cli.up.demo import import_history, make_weekly_report, track_demo
from api.cli.up.fake_tiktok import (
    check_fake_tiktok,
    fake_tiktok_child,
    fake_tiktok_socket,
    use_variables,
    with_fake_tiktok,
)
from api.cli.up.first_run import (
    FirstAnswers,
    FirstOrganization,
    ensure_organization,
    read_answers,
    stored_secret,
)
from api.cli.up.greeting import greet, pages_url
from api.cli.up.ports import listening_socket, why_not_ready
from api.cli.up.reaper import Reaper, import_path, import_root
from api.cli.up.reload import PROCESSES, SourceFiles, processes_to_restart
from api.cli.up.signals import StopRequestedError, StopSignals
from api.cli.up.start_patience import SECONDS, StartPatience
from api.cli.up.supervisor import Child, Supervisor
from infra.database import (
    SchemaBeforeReleaseError,
    SchemaTooNewError,
    check_release,
    migrate,
)
from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.embedded.data_dir import address_path, open_data_dir, settings_path
from infra.keys.erasures import check_erasures_applied
from infra.keys.opened import master_key_text, opened_keys
from infra.logs import configure_logs, masked
from infra.restoring import check_restored
from infra.settings import Settings

_CHECK_SECONDS = 0.1
_BACKLOG = 1_024
# PostgreSQL may need this long to recover after it was killed.
_DATABASE_SECONDS = 20
_NAMED_ALREADY = (
    "The organization exists already, so --organization, --time-zone and "
    "--project-name change nothing"
)

_log = structlog.get_logger()


def up(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    demo: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Track the demo's creators."),
    ] = False,
    fake_tiktok: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="With --demo: run a simulated TikTok at which their accounts can be "
            "connected.",
        ),
    ] = False,
    organization: Annotated[
        str | None,
        Parameter(
            "--organization",
            help="The name of the organization that the first start creates.",
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        Parameter(
            help="Its IANA time zone, in which its days begin, such as Europe/Berlin."
        ),
    ] = None,
    project_name: Annotated[
        str | None, Parameter(help="The name of its first project.")
    ] = None,
    reload: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Start the processes again whenever Goatherd's own code changes.",
        ),
    ] = False,
) -> None:
    """Run everything on this machine until SIGINT or SIGTERM, servers included.

    The first start creates an organization with a project and a key. It prints the key
    once, and stores it in the file api-key of the data directory. The first page asks
    for the names and the time zone, unless options have all of them. Later starts
    change none of these. GOATHERD_DATABASE_URL and GOATHERD_REDIS_URL name servers to
    use in place of the embedded ones.
    """
    if fake_tiktok:
        check_fake_tiktok(demo=demo)
    answers = read_answers(organization, time_zone, project_name, demo=demo)
    settings = own_settings(host=host, port=port, data_dir=data_dir)
    configure_logs(level=settings.log_level, form=settings.log_format)
    signals = StopSignals()
    # Before the processes start, so that no change is missed.
    code = SourceFiles(import_root()) if reload else None
    is_new = not settings.data_dir.exists()
    settings = replace(settings, data_dir=open_data_dir(settings.data_dir))
    with data_dir_locked(settings.data_dir, is_new=is_new) as lock:
        listener = listening_socket(settings.host, settings.port, backlog=_BACKLOG)
        pretended = None
        if demo and not settings.providers:
            settings = replace(settings, providers=("replay",))
        if fake_tiktok:
            pretended = fake_tiktok_socket(settings)
            settings = with_fake_tiktok(settings, pretended)
            use_variables(settings)
        reaper = Reaper(lock=lock)
        supervisor = Supervisor(reaper)
        try:
            reaper.ensure_running()
            settings = _with_servers(settings, supervisor, signals)
            first = _ensure_organization(settings, answers, demo=demo)
            if first.new_key is None and (organization or time_zone or project_name):
                _report(settings, _NAMED_ALREADY)
            signals.check()
            if pretended is not None:
                supervisor.start(
                    fake_tiktok_child(
                        settings,
                        pretended,
                        environment=_environment(settings),
                        reaper=reaper,
                    )
                )
            _start(settings, supervisor, reaper, listener)
            _wait_until_ready(settings, supervisor, signals)
            _tell_commands(settings)
            greet(settings, first, pretended)
            while not signals.wait(_CHECK_SECONDS):
                if code is not None and (changed := code.changed()):
                    _reload(settings, supervisor, changed)
                supervisor.restart_dead()
            _report(settings, "Stopping")
        except StopRequestedError:
            _report(settings, "Stopping")
        finally:
            signals.is_stopping = True
            _withdraw(settings)
            listener.close()
            if pretended is not None:
                pretended.close()
            supervisor.stop()
            reaper.close()


def _tell_commands(settings: Settings) -> None:
    """Write the files from which commands learn about this run."""
    keep_settings(settings, _environment(settings))
    address_path(settings.data_dir).write_text(f"{pages_url(settings)}\n")


def _withdraw(settings: Settings) -> None:
    """Remove the files that say that Goatherd runs."""
    address_path(settings.data_dir).unlink(missing_ok=True)
    settings_path(settings.data_dir).unlink(missing_ok=True)


def _with_servers(
    settings: Settings, supervisor: Supervisor, signals: StopSignals
) -> Settings:
    """Start the servers that are not configured.

    Return the settings with the addresses of all servers.
    """
    folder = settings.data_dir
    database, redis = settings.database_url, settings.redis_url
    # Configured servers are checked first, so that a mistake does not start the others.
    if redis is not None:
        ping_redis(redis)
    if database is not None:
        settings = _migrate(database, settings)
    else:
        is_new = not (folder / "postgres").exists()
        how_long = ", which takes a few seconds the first time" if is_new else ""
        _report(settings, f"Starting PostgreSQL{how_long}")
        database = supervisor.run(
            EmbeddedPostgres(folder, connections=needed(settings) + SPARE)
        )
        signals.check()
        settings = _migrate(database, settings)
    if redis is None:
        _report(settings, "Starting Valkey")
        redis = supervisor.run(EmbeddedValkey(folder))
        signals.check()
    with connected(database) as connection:
        settings = with_fitting_pools(settings, available(connection))
    return replace(
        settings,
        database_url=database,
        redis_url=redis,
        secret=settings.secret or stored_secret(folder),
    )


def _migrate(url: str, settings: Settings) -> Settings:
    """Create or upgrade the schema, and return the settings with the master key."""
    with connected(url) as connection:
        # The key is checked before anything is written.
        check_restored(connection)
        check_release(connection)
        text = master_key_text(settings, connection, make=True)
        settings = replace(settings, master_key=text)
        if migrate(url):
            _report(settings, "Created or upgraded the schema")
        opened_keys(settings, connection)
        check_erasures_applied(connection)
    return settings


def _ensure_organization(
    settings: Settings, answers: FirstAnswers, *, demo: bool
) -> FirstOrganization:
    plans = settings.all_plans
    with opened_store(settings) as store:
        organization = ensure_organization(
            store, settings.data_dir, plans=plans, answers=answers
        )
        if demo:
            if added := track_demo(store, organization, plans=plans):
                _report(settings, f"Added {added} demo creators")
            if runs := import_history(store, organization):
                _report(settings, f"Imported {runs} past runs of the demo creators")
            if make_weekly_report(store, organization):
                _report(settings, "Made a report of each Monday")
    return organization


def _start(
    settings: Settings,
    supervisor: Supervisor,
    reaper: Reaper,
    listener: socket.socket,
) -> None:
    environment = _environment(settings)
    # The socket is opened here, so that no connection is refused while another process
    # serves.
    descriptor = listener.fileno()
    for name in PROCESSES:
        is_server = name == "serve"
        options = ("--fd", str(descriptor)) if is_server else ()
        supervisor.start(
            Child(
                name,
                command=(sys.executable, "-m", "api.cli", name, *options),
                inherited=(descriptor,) if is_server else (),
                environment=environment,
                # Python looks for modules in the working folder: this folder has none.
                folder=settings.data_dir,
                reaper=reaper,
            )
        )


def _reload(
    settings: Settings, supervisor: Supervisor, changed: Collection[str]
) -> None:
    """Start the processes again that run changed code, after new migrations."""
    names = processes_to_restart(changed)
    if not names:
        return
    _report(settings, f"Changed: {', '.join(sorted(changed)[:3])}; starting again")
    database = settings.database_url
    if database is not None and any(path.endswith(".sql") for path in changed):
        try:
            _migrate(database, settings)
        except (psycopg.Error, SchemaBeforeReleaseError, SchemaTooNewError) as error:
            # It is being written: the next change is tried again.
            _report(settings, f"The migration failed: {masked(str(error))}")
    supervisor.restart(names)


def _environment(settings: Settings) -> dict[str, str]:
    ours: dict[str, object | None] = {
        "PYTHONPATH": import_path(),
        "GOATHERD_DATABASE_URL": settings.database_url,
        "GOATHERD_DATABASE_PATIENCE_SECONDS": max(
            settings.database_patience_seconds, _DATABASE_SECONDS
        ),
        "GOATHERD_REDIS_URL": settings.redis_url,
        "GOATHERD_SECRET": settings.secret,
        "GOATHERD_MASTER_KEY": settings.master_key,
        "GOATHERD_DATA_DIR": settings.data_dir,
        "GOATHERD_HOST": settings.host,
        "GOATHERD_PORT": settings.port,
        # The processes run in another folder, where relative paths would not work.
        "GOATHERD_PROVIDERS": ",".join(settings.providers),
        "GOATHERD_RECORDINGS": settings.recordings and settings.recordings.resolve(),
    }
    given = {name: str(value) for name, value in ours.items() if value is not None}
    inherited = {**os.environ}
    # Settings refuse two names of one setting.
    inherited.pop("GOATHERD_PROVIDER", None)
    return {**inherited, **given, **pool_variables(settings)}


def _wait_until_ready(
    settings: Settings, supervisor: Supervisor, signals: StopSignals
) -> None:
    _report(settings, "Starting Goatherd")
    patience = StartPatience()
    while True:
        why_not = why_not_ready(settings.host, settings.port)
        signals.wait(_CHECK_SECONDS)
        signals.check()
        # The processes are checked even when the API is ready: it answers before a
        # worker has ended.
        supervisor.check()
        if why_not is None:
            return
        if patience.is_over(why_not, supervisor.cpu_seconds()):
            raise CommandError(
                f"Goatherd made no progress for {SECONDS:.0f} seconds: {why_not}"
            )
        if patience.is_report_due():
            _report(settings, f"Still starting: {why_not}")


def _report(settings: Settings, text: str) -> None:
    """Report progress on stderr, as text or as a JSON log line."""
    if settings.log_format == "json":
        _log.info(text)
    else:
        print(text, file=sys.stderr, flush=True)
