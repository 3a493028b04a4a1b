"""Sets up a worker process: ``dramatiq workers.main:set_up``."""

import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

import dramatiq
import redis
import structlog

from infra import clocks
from infra.database import Pool
from infra.eventstore.store import open_store
from infra.logs import configure_logs
from infra.loop import run_until_stopped
from infra.settings import Settings, SettingsError
from workers.broker import REBUILDS_QUEUE, SCRAPES_QUEUE, connect_broker
from workers.demo import DEMO_NAME, DEMO_RECORDING
from workers.demo.shift_dates import days_to_shift, shifted
from workers.politeness import Politeness, connect_politeness
from workers.provider import Provider
from workers.providers.replay import Recording, ReplayProvider
from workers.rebuild_worker import SliceWorker, declare_rebuild_actor
from workers.recordings.file_format import read_recording
from workers.recordings.replay_clock import known_replay_start, replay_started_at
from workers.scraping.lease_renewal import RUN_SECONDS
from workers.scraping.scrape import ScrapeDependencies, declare_actor

ReplayStart = Callable[[Pool, str], datetime]

_log = structlog.get_logger()

# A recorded day in a second. The demo has the pace of the clock, because it happens
# now.
_SPEED = 86_400.0
_SPEED_OF_DEMO = 1.0
# Of each of the two runs that a check makes.
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
    provider = choose_provider(settings, store.pool)
    declare_actor(
        broker,
        ScrapeDependencies(
            store=store, provider=provider, lease_seconds=settings.lease_seconds
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


def choose_provider(
    settings: Settings,
    pool: Pool,
    *,
    run_seconds: float | None = None,
    replay_start: ReplayStart = replay_started_at,
) -> Provider:
    """Return the provider that the settings name; it sends no request yet.

    httpx and yt-dlp are not loaded to replay recordings. ``run_seconds`` is how long a
    run may take, ``replay_start`` returns when the replay of a recording began.

    Raises:
        SettingsError: a setting that it needs is missing.
        RecordingError: nothing of the recording could be read.
    """
    # A provider does not say for which job type it asks how long; the shortest holds.
    run_seconds = run_seconds or run_seconds_within(min(RUN_SECONDS.values()))
    match settings.provider:
        case "replay":
            return _replay(settings, partial(replay_start, pool))
        case "web":
            return _web(settings, run_seconds=run_seconds)
        case "research":
            return _research(settings, run_seconds=run_seconds)
        case _:
            assert_never(settings.provider)


def choose_provider_for_check(settings: Settings, pool: Pool) -> Provider:
    """Return the provider for a check, whose user waits for it; store nothing.

    Raises:
        SettingsError: a setting that it needs is missing.
        RecordingError: nothing of the recording could be read.
    """
    return choose_provider(
        settings, pool, run_seconds=_CHECK_SECONDS, replay_start=known_replay_start
    )


def run_seconds_within(limit_seconds: float) -> float:
    """Return how many seconds a run may use, so that its answer is still in time.

    It is less than the time after which the run is interrupted, since an interrupted
    run has no answer. The rest is for recording the result.
    """
    return limit_seconds * 2 / 3


def _replay(settings: Settings, start_of: Callable[[str], datetime]) -> Provider:
    path = settings.recordings
    if path is None:
        return _replay_demo(settings, start_of)
    recording = Recording.load(path)
    for problem in recording.problems:
        _log.warning("recording_problem", problem=str(problem))
    return ReplayProvider(
        recording,
        started_at=start_of(str(path.resolve())),
        speed=settings.replay_speed or _SPEED,
        now=lambda: datetime.now(UTC),
    )


def _replay_demo(settings: Settings, start_of: Callable[[str], datetime]) -> Provider:
    days = days_to_shift(start_of(DEMO_NAME))
    recording = Recording(shifted(read_recording(DEMO_RECORDING), days=days))
    return ReplayProvider(
        recording,
        # From the midnight at which the recording begins, so that its clock is ours.
        started_at=recording.starts_at,
        speed=settings.replay_speed or _SPEED_OF_DEMO,
        now=lambda: datetime.now(UTC),
    )


def _web(settings: Settings, *, run_seconds: float) -> Provider:
    from workers.providers.web import SessionLimits, WebProvider

    return WebProvider(
        settings.tiktok_base_url,
        politeness=Politeness(_shared_server(settings)),
        limits=SessionLimits(run_seconds=run_seconds),
    )


def _research(settings: Settings, *, run_seconds: float) -> Provider:
    from workers.providers.research import open_research

    return open_research(
        base_url=settings.research_base_url,
        client_key=_needed(settings.research_client_key, "RESEARCH_CLIENT_KEY"),
        client_secret=_needed(
            settings.research_client_secret, "RESEARCH_CLIENT_SECRET"
        ),
        server=_shared_server(settings),
        processes=settings.worker_processes,
        patience=run_seconds,
    )


def _needed(value: str | None, name: str) -> str:
    if value is None:
        msg = f"GOATHERD_PROVIDER=research needs GOATHERD_{name}."
        raise SettingsError(msg)
    return value


def _shared_server(settings: Settings) -> redis.Redis | None:
    """Return a client of the server that all workers share; None if there is none."""
    return connect_politeness(settings.redis_url) if settings.redis_url else None


def worker_command(python: str, settings: Settings) -> list[str]:
    """Return the command line that runs Dramatiq with these settings."""
    # A site gets one request at a time. Several threads would only wait for each other,
    # and lists that they read in turns would end early, at a run's time limit.
    threads = 1 if settings.provider == "web" else settings.worker_threads
    return [
        *(python, "-m", "dramatiq", "workers.main:set_up", "--skip-logging"),
        *("--processes", str(settings.worker_processes)),
        *("--threads", str(threads)),
        *("--queues", SCRAPES_QUEUE, REBUILDS_QUEUE),
        # Below the patience of any supervisor; an unfinished run is leased again.
        *("--worker-shutdown-timeout", "8000"),
    ]
