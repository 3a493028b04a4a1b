"""The checks of /health/ready: database, event log, followers and broker."""

import asyncio
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import redis
from psycopg import Connection
from psycopg.rows import TupleRow
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.system.health import Check
from domain.phrases import counted, counted_are
from domain.scrape.outcomes import KEEPS_FAILING
from infra import clocks
from infra.database import AsyncPool, Pool, run_read, run_read_async
from infra.settings import Settings
from projections.engine.dead_letters import newest_dead_letters
from projections.scrape_runs.sources import SourceActivity, source_activity
from projections.status import progress
from workers.schedule.sql import OVERDUE

# A working follower reports every few seconds, however far it lags.
STUCK_SECONDS = 30
_PATIENCE_SECONDS = 0.2
# PostgreSQL stops on a full disk, and writes files of 16 MB each.
FULL_BYTES = 64 << 20
NEARLY_FULL_BYTES = 1 << 30

_FAILING = """
SELECT count(*) FROM creator_list
WHERE failing_since IS NOT NULL AND status = 'active' AND failed_scrapes >= %s
"""


def readiness_checks(
    own: AsyncPool, *, writing: Pool, redis_url: str | None, data_dir: Path
) -> Sequence[tuple[str, Check]]:
    """Return the checks by name.

    Redis is checked only if one is configured, and the disk only if the data directory
    has an embedded PostgreSQL.
    """
    checks: list[tuple[str, Check]] = [
        ("database", partial(_database, own)),
        ("event_log", partial(_event_log, own)),
        ("projections", partial(_projections, writing)),
    ]
    disk = data_dir / "postgres"
    if disk.exists():
        checks.append(("disk", partial(_disk, disk, least=FULL_BYTES)))
    if redis_url is not None:
        checks.append(("redis", partial(_redis, redis_url)))
    return checks


def readiness_warnings(
    writing: Pool, *, data_dir: Path, settings: Settings
) -> Sequence[tuple[str, Check]]:
    """Return the warnings, which do not make the service unready.

    Without warnings creators are scraped as often as the schedule says.
    """
    warnings: list[tuple[str, Check]] = [
        ("dead_letters", partial(_dead_letters, writing)),
        ("schedule", partial(_schedule, writing)),
        ("source", partial(_source, writing, settings)),
        ("creators", partial(_creators, writing)),
    ]
    disk = data_dir / "postgres"
    if disk.exists():
        warnings.append(("disk", partial(_disk, disk, least=NEARLY_FULL_BYTES)))
    warnings.append(("clock", partial(_clock, writing)))
    return warnings


async def _database(own: AsyncPool) -> str | None:
    await run_read_async(own, lambda connection: connection.execute("SELECT 1"))
    return None


async def _disk(folder: Path, *, least: int) -> str | None:
    free = shutil.disk_usage(folder).free
    if free >= least:
        return None
    # Anybody may send this request, so the answer does not say where.
    return f"PostgreSQL has {free >> 20} MB left, and stops when it has none"


async def _event_log(own: AsyncPool) -> str | None:
    head = "SELECT max(notification_id) FROM goatherd_events"
    await run_read_async(own, lambda connection: connection.execute(head))
    return None


async def _projections(writing: Pool) -> str | None:
    known = await asyncio.to_thread(lambda: run_read(writing, progress))
    problems = [
        f"{each.name} was never followed"
        if each.heartbeat_seconds is None
        else f"{each.name} last reported {each.heartbeat_seconds:.0f} s ago"
        for each in known
        if each.heartbeat_seconds is None or each.heartbeat_seconds > STUCK_SECONDS
    ]
    return "; ".join(problems) or None


async def _clock(writing: Pool) -> str | None:
    offsets = await asyncio.to_thread(
        lambda: run_read(
            writing,
            lambda connection: connection.execute(
                clocks.OFFSETS, clocks.now()
            ).fetchall(),
        )
    )
    # Anybody may send this request, so the answer does not name the machine.
    return clocks.clocks_off(offsets, names_workers=False)


async def _dead_letters(writing: Pool) -> str | None:
    newest = await asyncio.to_thread(
        lambda: run_read(
            writing, lambda connection: newest_dead_letters(connection, limit=1)
        )
    )
    # Anybody may send this request, so only the log and doctor say where and why events
    # failed.
    problems = [
        f"{name} could not apply {letter.name}" for name, (letter,) in newest.items()
    ]
    return "; ".join(problems) or None


async def _schedule(writing: Pool) -> str | None:
    overdue, hours = await _row(writing, OVERDUE)
    if not overdue:
        return None
    return (
        f"{counted_are(overdue, 'scheduled scrape')} late by more than an interval, "
        f"the oldest by {counted(round(hours), 'hour')}"
    )


async def _source(writing: Pool, settings: Settings) -> str | None:
    providers = settings.providers
    if not providers:
        return "no source is set up, so that scrapes wait"

    def ask(connection: Connection[TupleRow]) -> list[SourceActivity]:
        return source_activity(connection, providers, in_use=providers)

    activity = await asyncio.to_thread(lambda: run_read(writing, ask))
    problems = [
        f"most of the newest scrapes by {each.provider} ended as {each.failing_with}"
        for each in activity
        if each.failing_with is not None
    ]
    budgets = [settings.daily_budget(each.provider) for each in activity]
    if all(
        budget is not None and each.requests_today >= budget
        for each, budget in zip(activity, budgets, strict=True)
    ):
        problems.append("scrapes wait for midnight UTC, as every budget is used up")
    return "; ".join(problems) or None


async def _creators(writing: Pool) -> str | None:
    (failing,) = await _row(writing, _FAILING, KEEPS_FAILING)
    if not failing:
        return None
    return (
        f"{counted_are(failing, 'creator')} not scraped completely: {KEEPS_FAILING} "
        "scrapes or more failed since the last success of their kind"
    )


async def _row(writing: Pool, query: str, *values: object) -> TupleRow:
    row = await asyncio.to_thread(
        lambda: run_read(
            writing,
            lambda connection: connection.execute(query.encode(), values).fetchone(),
        )
    )
    assert row is not None
    return row


async def _redis(url: str) -> str | None:
    # The patience is for Redis: a process that has just started may be busy for longer
    # than that itself, which a thread's answer does not count.
    return await asyncio.to_thread(_redis_problem, url)


def _redis_problem(url: str) -> str | None:
    client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()  # pyright: ignore[reportUnknownMemberType]
    except (redis.RedisError, OSError) as error:
        return f"does not answer ({type(error).__name__}); scrapes wait until it does"
    finally:
        client.close()
    return None
