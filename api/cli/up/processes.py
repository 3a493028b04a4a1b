"""``goatherd serve | project | dispatch | work``: one process each."""

import os
import signal
import sys
import threading

from api.cli import CommandError
from api.cli.connections import available, pool_variables, with_fitting_pools
from api.cli.kit.databases import (
    check_fit,
    connected,
    database_url,
    opened_store,
    redis_url,
    wait_for_database,
)
from api.cli.kit.options import DataDir, Host, ListenerOption, Port, own_settings
from api.cli.up.ports import inherited_socket, listening_socket
from application.integrity.progress_file import PROGRESS_FILE
from infra.keys.erasures import check_erasures_applied
from infra.keys.opened import opened_keys
from infra.logs import configure_logs
from infra.settings import Settings

_STOPPING = {signal.SIGINT, signal.SIGTERM}


def serve(
    *, host: Host = None, port: Port = None, listener: ListenerOption = None
) -> None:
    """Answer HTTP until SIGINT or SIGTERM.

    The command needs GOATHERD_DATABASE_URL, GOATHERD_SECRET and GOATHERD_MASTER_KEY.
    """
    from api.cli.up.http_server import BACKLOG, serve_http

    settings = own_settings(host=host, port=port)
    if settings.database_url is None:
        raise CommandError("Serving needs a database: set GOATHERD_DATABASE_URL.")
    if settings.secret is None:
        raise CommandError(
            "Serving needs GOATHERD_SECRET, at least 32 characters that every process "
            "shares."
        )
    _configure_logs(settings)
    if listener is None:
        listening = listening_socket(settings.host, settings.port, backlog=BACKLOG)
    else:
        listening = inherited_socket(listener)
    wait_for_database(settings)
    with connected(settings.database_url) as connection:
        check_fit(connection)
        opened_keys(settings, connection)
        check_erasures_applied(connection)
        settings = with_fitting_pools(settings, available(connection))
    # The HTTP workers read their settings from the environment.
    os.environ.update(pool_variables(settings))
    serve_http(settings, listening)


def project(*, data_dir: DataDir = None) -> None:
    """Keep the read models caught up with the event log until SIGINT or SIGTERM.

    Any number of these processes may run: one works on each read model, and the others
    wait to replace it.
    """
    stop = _stop_on_signal()
    from projections.engine.follower_group import CONNECTIONS
    from projections.runner import run_projections

    settings = own_settings(data_dir=data_dir)
    _configure_logs(settings)
    wait_for_database(settings)
    with opened_store(settings, pool_size=CONNECTIONS) as store:
        run_projections(store, database_url(settings), stop)


def dispatch(*, data_dir: DataDir = None) -> None:
    """Turn requested scrapes into jobs for the workers until SIGINT or SIGTERM.

    Any number of these processes may run; one of them requests the scheduled scrapes.
    It also disables creators whose accounts are not found any more, signs a root of the
    event log once a day, and checks the log when an operator requests it.
    """
    stop = _stop_on_signal()
    from application.integrity.requested_check import NOTICES
    from application.integrity.signing import InstallationSigner
    from workers.broker import SENDING_PATIENCE_SECONDS, connect_broker
    from workers.dispatcher import Dispatcher
    from workers.integrity import check_when_requested, sign_roots_daily

    settings = own_settings(data_dir=data_dir)
    _configure_logs(settings)
    broker = connect_broker(
        redis_url(settings), patience_seconds=SENDING_PATIENCE_SECONDS
    )
    wait_for_database(settings)
    settings = _with_fitting_pools(settings)
    with opened_store(settings, pool_size=settings.writing_pool_size) as store:
        signer = InstallationSigner(store.pool, settings)
        roots = threading.Thread(target=sign_roots_daily, args=(store, signer, stop))
        roots.start()
        requested = threading.Event()
        # A check of a long log takes minutes: this process ends without waiting for it.
        threading.Thread(
            target=check_when_requested,
            args=(database_url(settings), store.pool, signer, stop, requested),
            kwargs={"progress": settings.data_dir.expanduser() / PROGRESS_FILE},
            daemon=True,
        ).start()
        Dispatcher(
            store,
            broker,
            url=database_url(settings),
            plans=settings.all_plans,
            lease_seconds=settings.lease_seconds,
        ).run(stop, (NOTICES, requested.set))
        roots.join()


def work(*, data_dir: DataDir = None) -> None:
    """Run scrapes until SIGINT or SIGTERM.

    Any number of these processes may run, on any machine that reaches the database and
    Redis. Each runs GOATHERD_WORKER_PROCESSES times GOATHERD_WORKER_THREADS scrapes at
    a time. Each process also works on slices of a distributed rebuild.
    """
    from workers.main import choose_providers, worker_command

    settings = own_settings(data_dir=data_dir)
    redis = redis_url(settings)
    wait_for_database(settings)
    settings = _with_fitting_pools(settings)
    with opened_store(settings) as store:
        # Redis is tried once here, because Dramatiq would show a traceback from each
        # process.
        choose_providers(settings, store.pool)
    environment = {
        **os.environ,
        "GOATHERD_DATABASE_URL": database_url(settings),
        "GOATHERD_REDIS_URL": redis,
        **pool_variables(settings),
    }
    command = worker_command(sys.executable, settings)
    # Dramatiq replaces this process, so that the supervisor supervises Dramatiq.
    os.execve(sys.executable, command, environment)  # noqa: S606


def _with_fitting_pools(settings: Settings) -> Settings:
    with connected(database_url(settings)) as connection:
        return with_fitting_pools(settings, available(connection))


def _configure_logs(settings: Settings) -> None:
    configure_logs(level=settings.log_level, form=settings.log_format)


def _stop_on_signal() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set; a second signal ends the process.

    The signals are blocked here and in all threads that begin later, and a thread of
    their own receives them: a handler that sets an event could wait for a lock that the
    interrupted code holds. The function must be called before numpy is imported, whose
    threads would otherwise receive the signals.
    """
    stop = threading.Event()

    def wait_for_signals() -> None:
        signal.sigwait(_STOPPING)
        stop.set()
        signal.sigwait(_STOPPING)
        os._exit(1)

    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    threading.Thread(target=wait_for_signals, name="signals", daemon=True).start()
    return stop
