"""Summaries of a project of a thousand creators: leaderboards and key figures."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import pytest

from domain.analytics.buckets import Range
from domain.analytics.summaries.outliers import USUAL_FACTOR
from infra.database import reading_pool
from infra.eventstore.codec import Codec
from infra.eventstore.store import Store
from projections.analytics.summaries.creators import ranked_creators
from projections.analytics.summaries.key_figures import figures_and_shares
from projections.analytics.summaries.leaderboard import ranked_videos
from projections.analytics.summaries.outliers import outliers_among
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import (
    posts_by_creator,
    views_at_end,
    views_of_posted,
)
from projections.engine.follower import Follower
from projections.engine.reader import Reader
from projections.videos.projection import Videos
from tests.benchmarks.harness import Report, Rounds, Row
from tests.benchmarks.test_analytics import YEAR, ZONE, population

LOOKS = 60
ROUNDS = 5
_HOW = (
    "Summaries: the queries as the service runs them for one request, on the reading "
    "pool as the reader role, over the last 30 days in Europe/Berlin, of a project of "
    f"1,000 creators with 30 videos each and {LOOKS} snapshots a day apart. The median "
    "of five requests."
)


@pytest.mark.timeout(1_800)
def test_summaries_of_a_thousand_creators(
    store: Store, database_url: str, report: Report
):
    found = population(
        store, creators=1_000, videos=30, looks=LOOKS, every=timedelta(days=1)
    )
    found.follow()
    videos = Follower(Videos(), pool=store.pool, codec=store.codec)
    videos.register()
    videos.catch_up()
    with store.pool.connection() as connection:
        connection.execute("VACUUM ANALYZE")
    now = YEAR + timedelta(days=LOOKS)
    last = now.astimezone(ZONE).date()
    days = Range(
        first=last - timedelta(days=29), last=last, granularity="day", zone=ZONE
    )
    scope = SummaryScope(
        organization_id=found.organization_id, kind="project", id=found.project_id
    )
    with asyncio.Runner() as runner:
        pool = reading_pool(database_url, size=10)
        runner.run(pool.open())
        for what, at_most, ask in _requests(Reader(pool, Codec()), scope, days, now):
            taken = Rounds(tuple(runner.run(_timed(ask)) for _ in range(ROUNDS)))
            report.add(
                Row(
                    what=f"{what} of 1,000 creators with 30 videos",
                    ours=taken.written("ms"),
                    bar=(f"under {at_most} ms", taken.median < at_most),
                    how=_HOW,
                )
            )
        runner.run(pool.close())


def _requests(
    reader: Reader, scope: SummaryScope, days: Range, now: datetime
) -> list[tuple[str, float, Callable[[], Awaitable[Any]]]]:
    async def outliers() -> None:
        assert await outliers_among(reader, scope, at=now, min_factor=USUAL_FACTOR)

    async def key_figures() -> None:
        await figures_and_shares(reader, scope, [days.prior(), days])

    part: Any = {"limit": 50, "offset": 0}
    return [
        (
            "Leaderboard of creators",
            50,
            lambda: ranked_creators(reader, scope, days, order="new_views", **part),
        ),
        (
            "Leaderboard of videos",
            500,
            lambda: ranked_videos(
                reader, scope, days, now=now, order="new_views", **part
            ),
        ),
        (
            "Key figures against the 30 days before",
            100,
            key_figures,
        ),
        (
            "Posting consistency",
            100,
            lambda: posts_by_creator(
                reader, scope, start=now - timedelta(days=84), end=now
            ),
        ),
        ("Posting heatmap", 200, lambda: views_of_posted(reader, scope, days)),
        ("Distribution of views", 200, lambda: views_at_end(reader, scope, days)),
        ("Outliers", 5_000, outliers),
    ]


async def _timed(ask: Callable[[], Awaitable[Any]]) -> float:
    began = perf_counter()
    await ask()
    return (perf_counter() - began) * 1_000
