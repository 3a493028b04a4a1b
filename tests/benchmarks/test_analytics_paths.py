"""Analytics' two write paths: a snapshot folded live, and the stages of a rebuild."""

from collections.abc import Callable
from datetime import timedelta
from time import perf_counter

import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, open_envelope
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.engine.projection import codec_for
from projections.rebuild.log_batch import FOREVER, BatchWriter
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.test_analytics import YEAR, Population, population, snapshot
from tests.kit.builders import asking

LOOKS = 120
EVERY = timedelta(hours=6)
_HOW = (
    "One snapshot live: one snapshot of a creator's 300 videos, after 120 earlier "
    "ones. Ours is written as the follower writes it. The other way uses the stages of "
    "a rebuild: gather, then merge, which folds the owner's state and sums anew. Each "
    "runs in a transaction that is rolled back, for 28 creators in turn. The stages "
    "would also have to subtract the old sums, which is not timed. A late snapshot is "
    "observed a day before the last one."
)
Write = Callable[[Cursor[TupleRow], RecordedEvent], None]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("late", "what"),
    ((timedelta(), "in order"), (timedelta(days=1), "late")),
    ids=["in order", "late"],
)
def test_a_snapshot_is_taken_in_faster_live_than_by_the_stages_of_a_rebuild(
    store: Store, report: Report, late: timedelta, what: str
):
    found = population(store, creators=28, videos=300, looks=LOOKS, every=EVERY)
    found.follow()
    events = one_more_of_each(found, late)
    live, staged = interleaved(
        lambda: milliseconds(store, events, take_in_live),
        lambda: milliseconds(store, events, take_in_by_stages),
    )
    ratio = staged.over(live)
    report.add(
        Row(
            what=f"One snapshot live, {what}",
            ours=live.written("ms"),
            floor=f"{staged.written('ms')}, by a rebuild's stages",
            ratio=ratio.written(),
            bar=("at least 1.5, else one path", ratio.median >= 1.5),
            how=_HOW,
        )
    )


def one_more_of_each(found: Population, late: timedelta) -> list[RecordedEvent]:
    """Append a snapshot of every creator's videos, and return the events as read."""
    store, projection = found.store, AnalyticsProjection()
    last = store.head()
    for number, creator in enumerate(found.creators):
        names = [str(10**18 + number * 1_000 + n) for n in range(300)]
        event = snapshot(
            found.organization_id,
            found.project_id,
            creator,
            YEAR + LOOKS * EVERY - late + timedelta(minutes=number),
            names,
            LOOKS,
        )
        store.append([NewEvent(new_id(), 1, event)], context=asking("bench"))
    reader = BatchWriter(store, projection, projection.write, schema="public")
    codec = codec_for(projection, store.codec)
    with store.pool.connection() as connection, connection.cursor(binary=True) as c:
        rows = reader.read(c, after=last, until=FOREVER, limit=len(found.creators))
    return [open_envelope(row, codec) for row in rows]


def milliseconds(store: Store, events: list[RecordedEvent], write: Write) -> float:
    """Return how long one event took on average."""
    began = perf_counter()
    for event in events:
        with (
            store.pool.connection() as connection,
            connection.transaction(force_rollback=True),
            connection.cursor(binary=True) as cursor,
        ):
            write(cursor, event)
    return 1_000 * (perf_counter() - began) / len(events)


def take_in_live(cursor: Cursor[TupleRow], event: RecordedEvent) -> None:
    AnalyticsProjection().write(cursor, [event])


def take_in_by_stages(cursor: Cursor[TupleRow], event: RecordedEvent) -> None:
    projection = AnalyticsProjection()
    projection.gather(cursor, [event])
    for stage in projection.stages:
        while not projection.merge(cursor, stage, partition=0, partitions=1).is_all:
            pass
