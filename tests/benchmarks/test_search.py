"""The list and the partial search among a million creators, inside the service."""

import asyncio
from collections.abc import Sequence
from random import Random
from time import perf_counter

import pytest

from infra.database import reading_pool
from infra.eventstore.codec import Codec
from infra.ids import new_id
from projections.creators.queries import CreatorQuery, page_of_creators
from projections.engine.reader import Reader
from tests.benchmarks.harness import Report, Row, percentile
from tests.benchmarks.populations import add_population
from tests.benchmarks.searches import first_pages, searches

BAR_MS = 50
MOST = 1_500

_HOW = (
    "List and search: page_of_creators as the reader role, one query at a time; three "
    "sorts, with and without project and statuses; search texts of 1 to 6 characters, "
    "common, rare, and found nowhere."
)


def test_the_list_and_a_search_are_quick_among_very_many(
    database_url: str, report: Report, pytestconfig: pytest.Config
):
    size = int(str(pytestconfig.getoption("--bench-size")))
    population = add_population(database_url, size, organization_id=new_id())

    for what, queries in (
        ("list", first_pages(population)),
        ("search", searches(population)),
    ):
        Random(11).shuffle(queries)
        taken = asyncio.run(milliseconds(database_url, queries[:MOST]))
        p50, p99 = percentile(taken, 50), percentile(taken, 99)
        report.add(
            Row(
                what=f"{what.capitalize()} in an organization of {size:,} creators",
                ours=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {max(taken):.1f} ms",
                bar=(f"p99 under {BAR_MS} ms", p99 < BAR_MS),
                how=_HOW,
            )
        )


async def milliseconds(url: str, queries: Sequence[CreatorQuery]) -> list[float]:
    """Return how long each page took; the first twenty only warm up."""
    pool = reading_pool(url, size=1)
    await pool.open()
    reader = Reader(pool, Codec())
    taken: list[float] = []
    for wanted in [*queries[:20], *queries]:
        began = perf_counter()
        await page_of_creators(reader, wanted)
        taken.append(1_000 * (perf_counter() - began))
    await pool.close()
    return taken[20:]
