"""Analytics: some questions against a bare read of the same rows, and the follower."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain import events as e
from domain.analytics.buckets import Granularity, Range, slot_of
from domain.analytics.metrics import Entity, checked_question
from domain.analytics.series import points, total
from domain.streams import video_stream
from infra.database import AsyncPool, reading_pool
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import named_entities, series_by_entity
from projections.engine.follower import Follower
from projections.engine.reader import Reader
from tests.benchmarks.harness import Report, Row, interleaved, percentile
from tests.benchmarks.histories import campaign_with
from tests.kit.builders import asking

YEAR = datetime(2025, 12, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
QUESTIONS = 200
_POPULATION_HOW = (
    "Analytics: the query as the service runs it (entities, sums, points and total) on "
    "the reading pool as the reader role, in Europe/Berlin; the p99 of "
    f"{QUESTIONS} queries a round. The floor is one prepared SELECT of the same rows "
    "of sums on the same pool, decoded and thrown away."
)
_SAME_ROWS = b"""
SELECT slot, snapshots, views, views_known, views_base, views_baselines
FROM analytics_video_rollups
WHERE organization_id = %(organization)s AND id = %(id)s AND slot <= %(last)s
"""


class Population(msgspec.Struct, kw_only=True):
    """An organization with creators whose videos were observed again and again."""

    store: Store
    organization_id: UUID
    project_id: UUID
    creators: list[UUID]
    observations: int

    def follow(self) -> None:
        follower = Follower(
            AnalyticsProjection(), pool=self.store.pool, codec=self.store.codec
        )
        follower.register()
        follower.catch_up()
        with self.store.pool.connection() as connection:
            connection.execute("VACUUM ANALYZE")


def population(
    store: Store,
    *,
    creators: int,
    videos: int,
    looks: int,
    every: timedelta,
    home: tuple[UUID, UUID] | None = None,
    only: Collection[int] | None = None,
) -> Population:
    """Fill a log: each creator's videos are discovered, then observed.

    Creators take turns, so it is told in the order it was observed. ``home`` is an
    organization and its project, if they are there already. With ``only`` the other
    looks are left out.
    """
    random = Random(20251201)
    organization, project = home or (new_id(), new_id())
    ids = [new_id() for _ in range(creators)]
    names = {
        creator: [video_name(number, n) for n in range(videos)]
        for number, creator in enumerate(ids)
    }

    def reported() -> Iterator[tuple[UUID, e.Event]]:
        if home is None:
            yield organization, e.ProjectCreated(project_id=project, name="Herd")
        for number, creator in enumerate(ids):
            yield (
                creator,
                e.CreatorAdded(
                    organization_id=organization,
                    project_id=project,
                    handle=f"goat{number}",
                    tracking_mode="auto",
                ),
            )
            for name in names[creator]:
                yield (
                    video_stream(project, name),
                    e.VideoDiscovered(
                        organization_id=organization,
                        project_id=project,
                        creator_id=creator,
                        tiktok_video_id=name,
                        handle="goat",
                        tracking_status="auto_tracked",
                        scrape_id=organization,
                        posted_at=YEAR - timedelta(days=random.randrange(300)),
                    ),
                )
        for look in range(looks) if only is None else only:
            for number, creator in enumerate(ids):
                late = timedelta(seconds=number * every.total_seconds() / creators)
                at = YEAR + look * every + late
                seen = snapshot(
                    organization, project, creator, at, names[creator], look
                )
                yield new_id(), seen

    events = reported()
    while some := list(islice(events, 500)):
        store.append(
            [NewEvent(stream, 1, event) for stream, event in some],
            context=asking("bench"),
        )
    return Population(
        store=store,
        organization_id=organization,
        project_id=project,
        creators=ids,
        observations=creators * videos * (looks if only is None else len(only)),
    )


def video_name(creator: int, number: int) -> str:
    return str(10**18 + creator * 1_000 + number)


def snapshot(
    organization: UUID,
    project: UUID,
    creator: UUID,
    at: datetime,
    names: list[str],
    look: int,
) -> e.VideoStatsSnapshotRecorded:
    views = tuple(1_000 * n + 37 * look * n for n, _ in enumerate(names))
    return e.VideoStatsSnapshotRecorded(
        organization_id=organization,
        project_id=project,
        creator_id=creator,
        observed_at=at,
        provider="bench",
        video_ids=tuple(names),
        view_counts=views,
        like_counts=tuple(count // 10 for count in views),
        comment_counts=tuple(count // 100 for count in views),
        share_counts=tuple(count // 90 for count in views),
        save_counts=(None,) * len(names),
    )


def test_a_creators_month_costs_little_more_than_its_rows(
    store: Store, database_url: str, report: Report
):
    looks = 120
    found = population(
        store, creators=5, videos=300, looks=looks, every=timedelta(hours=6)
    )
    found.follow()
    last = (YEAR + timedelta(hours=6 * looks)).date()

    compare(
        report,
        database_url,
        found,
        what=f"A creator of 300 videos and {looks} snapshots, 30 days by day, p99",
        of=("creator", found.creators[0]),
        days=(last - timedelta(days=29), last, "day"),
        at_most=10,
        ratio_at_most=3,
    )


def test_a_projects_year_stays_under_its_bar(
    store: Store, database_url: str, report: Report
):
    found = population(
        store, creators=1_000, videos=2, looks=40, every=timedelta(days=9)
    )
    found.follow()
    last = (YEAR + timedelta(days=364)).date()

    compare(
        report,
        database_url,
        found,
        what="A project of 1,000 creators, 12 months by month, p99",
        of=("project", found.project_id),
        days=(last - timedelta(days=364), last, "month"),
        at_most=50,
    )


def test_a_campaigns_month_costs_little_more_than_its_rows(
    store: Store, database_url: str, report: Report
):
    found = population(
        store, creators=400, videos=10, looks=160, every=timedelta(hours=6)
    )
    members, others = found.creators[:300], found.creators[300:]
    singles = [
        video_stream(found.project_id, video_name(300 + number, 0))
        for number, _ in enumerate(others)
    ]
    campaign = new_id()
    appended = campaign_with(
        campaign,
        members,
        singles,
        organization_id=found.organization_id,
        project_id=found.project_id,
    )
    store.append(appended, context=asking("bench"))
    found.follow()
    last = (YEAR + timedelta(hours=6 * 160)).date()

    compare(
        report,
        database_url,
        found,
        what="A campaign of 300 creators and 100 single videos, 30 days by day, p99",
        of=("campaign", campaign),
        days=(last - timedelta(days=29), last, "day"),
        at_most=20,
        ratio_at_most=3,
    )


def compare(
    report: Report,
    database_url: str,
    found: Population,
    *,
    what: str,
    of: tuple[Entity, UUID],
    days: tuple[date, date, Granularity],
    at_most: float,
    ratio_at_most: float | None = None,
) -> None:
    """Measure the question and the floor in turn, and report both."""
    entity, id_ = of
    span = Range(first=days[0], last=days[1], granularity=days[2], zone=ZONE)
    organization = found.organization_id
    question = checked_question(entity=entity, metric="views")
    same = {
        "organization": organization,
        "id": id_,
        "last": slot_of(span.buckets()[-1].end),
    }

    async def ask(pool: AsyncPool) -> None:
        reader = Reader(pool, Codec())
        there, _ = await named_entities(reader, organization, entity, [id_])
        buckets = span.buckets()
        by_metric = (
            await series_by_entity(
                reader, Selection.of(organization, [question], [*there], buckets)
            )
        )[id_]
        shown = points(question, by_metric, buckets, now=YEAR)
        assert total(question, by_metric, days=span.days).value == sum(
            p.value or 0 for p in shown
        )

    async def read(pool: AsyncPool) -> None:
        async with pool.connection() as connection, connection.pipeline():
            await connection.execute(
                "SELECT set_config('goatherd.organization_id', %s, true)",
                (str(organization),),
                prepare=True,
            )
            cursor = connection.cursor(binary=True)
            await cursor.execute(_SAME_ROWS, same, prepare=True)
            assert await cursor.fetchall()

    with asyncio.Runner() as runner:
        pool = reading_pool(database_url, size=1)
        runner.run(pool.open())

        def worst(work: Callable[[AsyncPool], Awaitable[Any]]) -> Callable[[], float]:
            return lambda: runner.run(_worst(work, pool))

        ours, floor = interleaved(worst(ask), worst(read))
        runner.run(pool.close())

    ratio = ours.over(floor)
    words = f"under {at_most:g} ms"
    is_met = ours.median < at_most
    if ratio_at_most is not None:
        words += f", at most {ratio_at_most:g} times"
        is_met = is_met and ratio.median <= ratio_at_most
    report.add(
        Row(
            what=what,
            ours=ours.written("ms"),
            floor=floor.written("ms"),
            ratio=ratio.written(),
            bar=(words, is_met),
            how=_POPULATION_HOW,
        )
    )


async def _worst(work: Callable[[AsyncPool], Awaitable[Any]], pool: AsyncPool) -> float:
    taken: list[float] = []
    for _ in range(QUESTIONS):
        began = perf_counter()
        await work(pool)
        taken.append((perf_counter() - began) * 1_000)
    return percentile(taken, 99)
