"""A creator's history: pages of it and its past, when it was scraped for a year."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from uuid import UUID

import msgspec
import pytest

from infra.database import reading_pool
from infra.eventstore.codec import Codec
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.creator_history.projection import CreatorHistory
from projections.creator_history.queries import HistoryQuery, page_of_history
from projections.creators.as_of import creator_as_of
from projections.engine.follower import Follower
from projections.engine.reader import Reader
from tests.benchmarks.harness import Report, Row, interleaved, percentile
from tests.benchmarks.histories import Creator, a_creator, addition, profile_scrape
from tests.kit.builders import asking

CREATORS = 5
SCRAPES = 9_000
QUESTIONS = 50
_HOW = (
    f"History: {CREATORS} creators with {SCRAPES:,} profile scrapes each, in turn, so "
    "that the events of one creator are spread over the log; on the reading pool as "
    f"the reader role; the p99 of {QUESTIONS} queries a round. The floor is `SELECT 1` "
    "on the same pool."
)


class Target(msgspec.Struct, frozen=True):
    """The filled log, and the creator that is queried."""

    codec: Codec
    creator: Creator
    middle: int


@pytest.fixture
def target(store: Store) -> Target:
    """A log of scrapes, applied by the follower of the history."""
    organization_id, project_id = new_id(), new_id()
    creators = [a_creator(organization_id, project_id, n) for n in range(CREATORS)]
    for creator in creators:
        store.append(addition(creator), context=asking("bench"))
    for first in range(0, SCRAPES, 200):
        entries = [
            entry
            for number in range(first, first + 200)
            for creator in creators
            for entry in profile_scrape(creator, number)
        ]
        store.append(entries, context=asking("worker:web"))
    follower = Follower(CreatorHistory(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()
    with store.pool.connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE creator_history")
    return Target(store.codec, creators[2], store.head() // 2)


def test_a_history_of_a_year_is_read_page_by_page(
    target: Target, database_url: str, report: Report
):
    organization_id, id_ = target.creator.organization_id, target.creator.id

    def page(**narrowed: object) -> Callable[[Reader], Awaitable[None]]:
        wanted = msgspec.structs.replace(
            HistoryQuery(organization_id=organization_id, creator_id=id_, limit=51),
            **narrowed,
        )

        async def ask(reader: Reader) -> None:
            assert await page_of_history(reader, wanted)

        return ask

    def then(at: int) -> Callable[[Reader], Awaitable[None]]:
        async def ask(reader: Reader) -> None:
            assert await creator_as_of(reader, organization_id, id_, at=at)

        return ask

    for what, question, at_most in (
        ("A page of a history of 27,000 events", page(), 20),
        ("The same from its middle", page(after=(target.middle, 0)), 20),
        (
            "The same, of an event as rare as one",
            page(events=frozenset({"creator_added"})),
            40,
        ),
        ("A creator as of the middle of the log", then(target.middle), 60),
        ("A creator as of the end of the log", then(2**62), 60),
    ):
        report.add(
            measured(
                database_url, target.codec, organization_id, what, question, at_most
            )
        )


def measured(
    database_url: str,
    codec: Codec,
    organization_id: UUID,
    what: str,
    question: Callable[[Reader], Awaitable[None]],
    at_most: float,
) -> Row:
    async def nothing(reader: Reader) -> None:
        await reader.rows(organization_id, b"SELECT 1", {})

    with asyncio.Runner() as runner:
        pool = reading_pool(database_url, size=1)
        runner.run(pool.open())
        reader = Reader(pool, codec)

        def worst(work: Callable[[Reader], Awaitable[None]]) -> Callable[[], float]:
            return lambda: runner.run(_worst(work, reader))

        ours, floor = interleaved(worst(question), worst(nothing), rounds=3)
        runner.run(pool.close())
    return Row(
        what=f"{what}, p99",
        ours=ours.written("ms"),
        floor=floor.written("ms"),
        bar=(f"under {at_most:g} ms", ours.median < at_most),
        how=_HOW,
    )


async def _worst(work: Callable[[Reader], Awaitable[None]], reader: Reader) -> float:
    taken: list[float] = []
    for _ in range(QUESTIONS):
        began = perf_counter()
        await work(reader)
        taken.append((perf_counter() - began) * 1_000)
    return percentile(taken, 99)
