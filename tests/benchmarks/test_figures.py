"""Figures of many creators and videos: leaderboards, sorted tables, and top videos."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from msgspec.structs import replace

from domain.analytics.buckets import midnight
from infra.database import AsyncPool, reading_pool
from infra.eventstore.codec import Codec
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.analytics.fold.day_sums import DAY_SUMS, DaySums
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FiguresOfCreator,
    creator_figures,
    page_of_creators,
)
from projections.analytics.read.videos.figures import videos_by_figure
from projections.analytics.read.videos.levels import VideoSet
from projections.engine.reader import Reader
from tests.benchmarks.harness import Report, Row, interleaved, percentile
from tests.benchmarks.test_analytics import YEAR, population

QUERIES = 20
DAYS = 35
# The days that ranges begin or end in, and the last one.
OBSERVED = (0, DAYS - 6, DAYS - 5, DAYS - 1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
_HOW = (
    "Figures: on the reading pool as the reader role, one query at a time; the p95 of "
    f"{QUERIES} queries a round, over 30 days that end five days before the last "
    "observation. Creators were observed every 6 hours, on the first day of 35, on the "
    "two days around the end of the range, and on the last; there are no others in the "
    "tables but sums by day."
)
_TOTALS = """
INSERT INTO {totals} (organization_id, id, first_day, last_day, {columns})
SELECT organization_id, id, %(first)s, %(last)s, {values} FROM analytics_subjects
WHERE organization_id = %(organization)s ORDER BY id
"""
_DAYS = """
INSERT INTO {days} (organization_id, day, id, {columns})
SELECT organization_id, day, id, {values} FROM analytics_subjects,
    unnest(%(days)s::int[]) AS day
WHERE organization_id = %(organization)s ORDER BY day, id
"""
_ROLLUPS = """
INSERT INTO {rollups} (organization_id, id, slot, snapshots, {columns})
SELECT organization_id, id, 96 * day + 24 * n - abs(hashtext(id::text)) %% 24 AS slot,
    30, {values}
FROM analytics_subjects, unnest(%(days)s::int[], %(quarters)s::int[]) AS part (day, n)
WHERE organization_id = %(organization)s ORDER BY slot
"""


def test_a_thousand_creators_and_their_videos(
    store: Store, database_url: str, report: Report
):
    found = population(
        store,
        creators=1_000,
        videos=30,
        looks=4 * DAYS,
        every=timedelta(hours=6),
        only=[4 * day + n for day in OBSERVED for n in range(4)],
    )
    found.follow()
    start, end = last_days(ZONES[0])
    organization, project = found.organization_id, found.project_id
    creators, videos = CreatorSet.of_project(project), VideoSet.of_project(project)

    async def leaderboard(reader: Reader) -> None:
        figures = await creator_figures(reader, organization, creators, start, end)
        assert len(figures) == 1_000

    async def table(reader: Reader) -> None:
        page = await page_of_creators(
            reader, organization, creators, start, end, sort="new_views", limit=50
        )
        assert len(page) == 50

    async def top(reader: Reader) -> None:
        page = await videos_by_figure(
            reader, organization, videos, "SELECT NULL::uuid", {}, start, end,
            sort="new_views", direction="desc", limit=10,
        )  # fmt: skip
        assert len(page.found) == 10

    for zone in ZONES:
        start, end = last_days(zone)
        for what, query, at_most in (
            ("Leaderboard of 1,000 creators, 30 days", leaderboard, 60),
            ("Page of 1,000 creators by new views, 30 days", table, 80),
            ("Top videos of 1,000 creators, 30 each, 30 days", top, 120),
        ):
            row = f"{what}, {zone}, p95"
            measure(report, database_url, row, query, at_most=at_most)


def test_a_hundred_thousand_creators(database_url: str, report: Report):
    organization, project = new_id(), new_id()
    add_creators(database_url, organization, project, amount=100_000)
    start, end = last_days(ZONES[0])
    creators, found = CreatorSet.every(), list[FiguresOfCreator]()

    async def table(reader: Reader) -> None:
        found[:] = await page_of_creators(
            reader, organization, creators, start, end, sort="new_views", limit=50
        )
        assert len(found) == 50

    for zone in ZONES:
        start, end = last_days(zone)
        what = f"Page of 100,000 creators by new views, 30 days, {zone}, p95"
        measure(report, database_url, what, table, at_most=400)
    creators = replace(creators, shares=[*found])
    what = "The same, 50 of which left numbers with another project, p95"
    measure(report, database_url, what, table, at_most=400)


def last_days(zone: str) -> tuple[datetime, datetime]:
    last = (YEAR + timedelta(days=DAYS - 5)).date()
    begin = last - timedelta(days=30)
    return midnight(begin, ZoneInfo(zone)), midnight(last, ZoneInfo(zone))


def add_creators(url: str, organization: UUID, project: UUID, *, amount: int) -> None:
    """Add some weeks of stored sums for creators to analytics."""
    first = (YEAR - datetime(1970, 1, 1, tzinfo=UTC)).days
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "INSERT INTO analytics_subjects (organization_id, id, kind, project_id, "
            "label, label_position) SELECT %s, gen_random_uuid(), 'creator', %s, "
            "'goat', 1 FROM generate_series(1, %s)",
            (organization, project, amount),
        )
        # Days and rollups are there for the ends of the ranges alone.
        within = {
            "organization": organization,
            "first": first - 5,
            "last": first + DAYS,
            "days": [first - 1, first, first + DAYS - 6, first + DAYS - 5],
            "quarters": [4, 1, 4, 1],
        }
        for sums in DAY_SUMS:
            for query in (_TOTALS, _DAYS, _ROLLUPS):
                connection.execute(_filled(query, sums), within)
        connection.execute("VACUUM ANALYZE")


def _filled(query: str, sums: DaySums) -> bytes:
    rollup = query is _ROLLUPS
    columns = sums.metric_group.rollup.columns[1:] if rollup else sums.columns
    value = "1000 + (hashtext(id::text) & 1048575)"
    return query.format(
        totals=sums.totals,
        days=sums.days,
        rollups=sums.metric_group.rollup_table,
        columns=", ".join(columns),
        values=", ".join(
            "30" if column.endswith(("known", "posts", "baselines")) else value
            for column in columns
        ),
    ).encode()


def measure(
    report: Report,
    url: str,
    what: str,
    query: Callable[[Reader], Awaitable[None]],
    *,
    at_most: float,
) -> None:
    with asyncio.Runner() as runner:
        pool = reading_pool(url, size=1)
        runner.run(pool.open())
        (ours,) = interleaved(lambda: runner.run(_slow(query, pool)), rounds=3)
        runner.run(pool.close())
    bar = f"under {at_most:g} ms", ours.median < at_most
    report.add(Row(what=what, ours=ours.written("ms"), bar=bar, how=_HOW))


async def _slow(query: Callable[[Reader], Awaitable[Any]], pool: AsyncPool) -> float:
    taken: list[float] = []
    for _ in range(QUERIES):
        began = perf_counter()
        await query(Reader(pool, Codec()))
        taken.append((perf_counter() - began) * 1_000)
    return percentile(taken, 95)
