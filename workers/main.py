"""Where a worker is put together: ``dramatiq workers.main:set_up`` in each process."""

import os
from datetime import UTC, datetime

import dramatiq
import structlog

from infra.database import Pool
from infra.logs import configure_logs
from infra.settings import Settings, SettingsError
from infra.store import open_store
from workers.broker import SCRAPES_QUEUE, connect_broker
from workers.demo import DEMO_RECORDING
from workers.providers import Provider
from workers.providers.replay import Recording, ReplayProvider
from workers.scrapes import Bench, declare_actor

_log = structlog.get_logger()

# The first ask of any process starts the replay; the others, and later ones, join it.
_START_OF_REPLAY = """
WITH started AS (
    INSERT INTO replay_start (recording) VALUES (%(name)s)
    ON CONFLICT (recording) DO NOTHING RETURNING started_at
)
SELECT started_at FROM started
UNION ALL SELECT started_at FROM replay_start WHERE recording = %(name)s
"""


def set_up() -> None:
    """Read the settings and give Dramatiq a broker whose actor has its bench."""
    settings = Settings.from_environment(os.environ)
    configure_logs(level=settings.log_level, form=settings.log_format)
    if settings.database_url is None or settings.redis_url is None:
        msg = "A worker needs GOATHERD_DATABASE_URL and GOATHERD_REDIS_URL."
        raise SettingsError(msg)
    # A thread holds a connection only for its two short transactions.
    size = min(settings.worker_threads, settings.writing_pool_size)
    store = open_store(settings.database_url, pool_size=size)
    broker = connect_broker(settings.redis_url)
    provider = choose_provider(settings, store.pool)
    declare_actor(
        broker,
        Bench(store=store, provider=provider, lease_seconds=settings.lease_seconds),
    )
    dramatiq.set_broker(broker)


def choose_provider(settings: Settings, pool: Pool) -> Provider:
    """Return the provider that the settings name.

    Raises:
        SettingsError: it is not part of this release.
        RecordingError: nothing of the recording could be read.
    """
    if settings.provider != "replay":
        msg = f"GOATHERD_PROVIDER: {settings.provider} is not part of this release."
        raise SettingsError(msg)
    path = settings.recordings or DEMO_RECORDING
    recording = Recording.load(path)
    for problem in recording.problems:
        _log.warning("recording_problem", problem=str(problem))
    with pool.connection() as connection:
        row = connection.execute(
            _START_OF_REPLAY, {"name": str(path.resolve())}
        ).fetchone()
    return ReplayProvider(
        recording,
        started_at=datetime.now(UTC) if row is None else row[0],
        speed=settings.replay_speed,
        now=lambda: datetime.now(UTC),
    )


def worker_command(python: str, settings: Settings) -> list[str]:
    """Return the command line that runs Dramatiq with these settings."""
    return [
        *(python, "-m", "dramatiq", "workers.main:set_up", "--skip-logging"),
        *("--processes", str(settings.worker_processes)),
        *("--threads", str(settings.worker_threads)),
        *("--queues", SCRAPES_QUEUE),
        # Below any supervisor's own patience; what is not done then is leased anew.
        *("--worker-shutdown-timeout", "8000"),
    ]
