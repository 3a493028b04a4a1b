"""Figures as of a day that is over, in turns with the same figures as of now."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import perf_counter
from uuid import UUID

from domain.analytics.buckets import Range
from domain.analytics.metrics import Entity, checked_questions
from infra.database import AsyncPool, reading_pool
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import named_entities, series_by_entity
from projections.engine.reader import Reader
from tests.benchmarks.harness import Report, Row, interleaved, percentile
from tests.benchmarks.histories import campaign_with
from tests.benchmarks.test_analytics import (
    YEAR,
    ZONE,
    Population,
    population,
    snapshot,
    video_name,
)
from tests.kit.builders import asking

DAYS = 40
OVER = 30
QUESTIONS = 50
A_LOOK = timedelta(hours=12)
_HOW = (
    "A day that is over: views and followers of 30 days by day, as of their end and 10 "
    f"days later; the median of {QUESTIONS} queries a round, in turns with the same as "
    "of now. Observations of three creators of the campaign and of the project were "
    "imported since for one of the days."
)


def test_figures_as_of_a_day_that_is_over_are_read_like_those_of_now(
    store: Store, database_url: str, report: Report
):
    looks = int(timedelta(days=DAYS) / A_LOOK)
    alone = population(store, creators=1, videos=300, looks=looks, every=A_LOOK)
    many = population(store, creators=400, videos=30, looks=looks, every=A_LOOK)
    campaign = new_id()
    appended = campaign_with(
        campaign,
        many.creators[:300],
        [],
        organization_id=many.organization_id,
        project_id=many.project_id,
    )
    middle = YEAR + timedelta(days=OVER, hours=-1)
    with store.pool.connection() as connection:
        (before,) = connection.execute(
            "SELECT max(notification_id) FROM goatherd_events"
        ).fetchone() or (0,)
    store.append(appended, context=asking("bench"))
    imported = [
        NewEvent(
            new_id(),
            1,
            snapshot(
                many.organization_id,
                many.project_id,
                many.creators[number],
                middle - timedelta(days=7),
                [video_name(number, n) for n in range(30)],
                20,
            ),
        )
        for number in range(3)
    ]
    store.append(imported, context=asking("bench"))
    many.follow()
    with store.pool.connection() as connection:
        # All others were recorded when they were observed.
        connection.execute(
            "UPDATE analytics_snapshots SET recorded_at = observed_at "
            "WHERE position <= %s",
            (before,),
        )
        connection.execute("UPDATE analytics_campaign_changes SET position = -position")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")

    compare(report, database_url, alone, "creator", alone.creators[0], "300 videos")
    compare(report, database_url, many, "campaign", campaign, "300 creators")
    compare(report, database_url, many, "project", many.project_id, "400 creators")


def compare(
    report: Report,
    database_url: str,
    found: Population,
    entity: Entity,
    id_: UUID,
    size: str,
) -> None:
    """Measure the figures as of the day and as of now, and report both."""
    organization = found.organization_id
    end = (YEAR + timedelta(days=OVER)).date()
    days = Range(
        first=end - timedelta(days=OVER - 1), last=end, granularity="day", zone=ZONE
    )
    with found.store.pool.connection() as connection:
        (at,) = connection.execute(
            "SELECT max(position) FROM analytics_snapshots WHERE organization_id = %s "
            "AND observed_at <= %s AND recorded_at = observed_at",
            (organization, days.end),
        ).fetchone() or (0,)
    questions = checked_questions(["views", "followers"], entity=entity)

    async def ask(pool: AsyncPool, position: int | None) -> None:
        reader = Reader(pool, Codec())
        there, _ = await named_entities(
            reader, organization, entity, [id_], at=position
        )
        selection = Selection.of(
            organization,
            questions,
            [*there],
            days.buckets(),
            at=position,
            at_time=None if position is None else days.end,
        )
        assert (await series_by_entity(reader, selection))[id_]["views"].levels[-1]

    with asyncio.Runner() as runner:
        pool = reading_pool(database_url, size=2)
        runner.run(pool.open())

        def usual(position: int | None) -> Callable[[], float]:
            return lambda: runner.run(_usual(lambda: ask(pool, position)))

        ours, now = interleaved(usual(at), usual(None))
        runner.run(pool.close())

    ratio = ours.over(now)
    report.add(
        Row(
            what=f"A {entity} of {size}, as of a day that is over",
            ours=ours.written("ms"),
            floor=f"{now.written('ms')}, now",
            ratio=ratio.written(),
            how=_HOW,
        )
    )


async def _usual(work: Callable[[], Awaitable[None]]) -> float:
    taken: list[float] = []
    for _ in range(QUESTIONS):
        began = perf_counter()
        await work()
        taken.append((perf_counter() - began) * 1_000)
    return percentile(taken, 50)
