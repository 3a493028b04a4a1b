"""Sets up a worker process: ``dramatiq workers.main:set_up``."""

import os
import socket
import threading

import dramatiq
from msgspec.structs import replace

from domain.scrape.sources import NO_SOURCE
from infra import clocks
from infra.database import Pool
from infra.eventstore.store import open_store
from infra.logs import configure_logs
from infra.loop import run_until_stopped
from infra.setting_forms import ProviderName
from infra.settings import Settings, SettingsError
from workers.broker import REBUILDS_QUEUE, SCRAPES_QUEUE, connect_broker
from workers.rebuild_worker import SliceWorker, declare_rebuild_actor
from workers.scraping.lease_renewal import RUN_SECONDS
from workers.scraping.scrape import ScrapeDependencies, declare_actor
from workers.sources.chain import Chain
from workers.sources.port import Provider
from workers.sources.recordings.replay_clock import (
    known_replay_start,
    replay_started_at,
)
from workers.sources.request_counts import RequestCounts
from workers.sources.table import ProviderContext, ReplayStart, make_provider

# Seconds for each of the two runs of a check.
_CHECK_SECONDS = 40.0


def set_up() -> None:
    """Read the settings, and give Dramatiq a broker with actors."""
    settings = Settings.from_environment(os.environ)
    configure_logs(level=settings.log_level, form=settings.log_format)
    if settings.database_url is None or settings.redis_url is None:
        msg = "A worker needs GOATHERD_DATABASE_URL and GOATHERD_REDIS_URL."
        raise SettingsError(msg)
    # A thread holds a connection only during its two short transactions.
    size = min(settings.worker_threads, settings.writing_pool_size)
    store = open_store(settings.database_url, pool_size=size, settings=settings)
    broker = connect_broker(settings.redis_url)
    declare_actor(
        broker,
        ScrapeDependencies(
            store=store,
            chain=Chain(
                *choose_providers(settings, store.pool),
                counts=RequestCounts(store.pool, settings),
            ),
            lease_seconds=settings.lease_seconds,
        ),
    )
    declare_rebuild_actor(
        broker,
        SliceWorker(
            settings.database_url, settings, lease_seconds=settings.lease_seconds
        ),
    )
    dramatiq.set_broker(broker)
    threading.Thread(
        target=keep_clock_measured,
        args=(store.pool, threading.Event()),
        name="clock",
        daemon=True,
    ).start()


def keep_clock_measured(pool: Pool, stop: threading.Event) -> None:
    """Measure this process's clock by the database's until ``stop`` is set."""
    process = f"{socket.gethostname()}:{os.getpid()}"

    def step() -> float:
        with pool.connection() as connection:
            connection.execute(clocks.MEASURE, {**clocks.now(), "process": process})
        return clocks.MEASURE_EVERY_SECONDS

    run_until_stopped(step, stop, failed="clock_not_measured", pool=pool)


def choose_providers(
    settings: Settings,
    pool: Pool,
    *,
    run_seconds: float | None = None,
    replay_start: ReplayStart = replay_started_at,
) -> list[Provider]:
    """Return the providers that the settings name, in the order in which to ask them.

    They have sent no request yet. ``run_seconds`` is the longest time of a run, and
    ``replay_start`` returns the beginning of the replay of a recording.

    Raises:
        SettingsError: a needed setting is missing.
        RecordingError: the recording has no readable content.
    """
    # A provider is made before the job type is known, so the shortest time applies.
    run_seconds = run_seconds or run_seconds_within(min(RUN_SECONDS.values()))
    context = ProviderContext(
        settings=settings,
        pool=pool,
        run_seconds=run_seconds,
        replay_start=replay_start,
    )
    return [make_provider(name, context) for name in settings.providers]


def choose_providers_for_check(
    settings: Settings, pool: Pool, name: ProviderName | None = None
) -> list[Provider]:
    """Return the providers for a check, whose user waits for it; store nothing.

    Without ``name`` they are the providers of scrapes, in their order.

    Raises:
        SettingsError: a needed setting is missing, or no source is set up.
        RecordingError: the recording has no readable content.
    """
    if name is None and not settings.providers:
        raise SettingsError(NO_SOURCE)
    return choose_providers(
        settings if name is None else replace(settings, providers=(name,)),
        pool,
        run_seconds=_CHECK_SECONDS,
        replay_start=known_replay_start,
    )


def run_seconds_within(limit_seconds: float) -> float:
    """Return the seconds that a run may use, so that its answer is still in time.

    The run is interrupted somewhat later, because an interrupted run has no answer. The
    rest of the time is for recording the result.
    """
    return limit_seconds * 2 / 3


def worker_command(python: str, settings: Settings) -> list[str]:
    """Return the command line that runs Dramatiq with these settings."""
    # A site gets one request at a time. Several threads would only wait for each other,
    # and lists that they read in turns would end early, at a run's time limit.
    threads = 1 if settings.providers[:1] == ("web",) else settings.worker_threads
    return [
        *(python, "-m", "dramatiq", "workers.main:set_up", "--skip-logging"),
        *("--processes", str(settings.worker_processes)),
        *("--threads", str(threads)),
        *("--queues", SCRAPES_QUEUE, REBUILDS_QUEUE),
        # Below the patience of any supervisor; an unfinished run is leased again.
        *("--worker-shutdown-timeout", "8000"),
    ]
