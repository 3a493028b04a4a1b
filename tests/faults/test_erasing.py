"""Erasures among faults: whole or not at all, and nothing is written after them."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psutil
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Ok,
    Transient,
    Verdict,
)
from infra.embedded.processes import wait_until
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.engine.follower_group import FollowerGroup
from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.kit.builders import Home, asking, log_of, make_home, opened_store
from tests.kit.erasing import erase, tables_with
from tests.kit.faults import victim
from tests.kit.jobs import derive_jobs, job_of, jobs_in
from tests.kit.patience import PATIENTLY
from tests.kit.threads import at_work
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.port import (
    Provider,
    Target,
)

SEED = 1310
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HANDLES = [f"wanted.goat.{n}" for n in range(16)]
_STATE = """
SELECT wrapped IS NULL,
       EXISTS (SELECT FROM goatherd_events
               WHERE originator_id = subject AND topic = 'subject_erased'),
       EXISTS (SELECT FROM erased_values WHERE id = subject),
       EXISTS (SELECT FROM installation_keys WHERE name = 'erased values ' || subject)
FROM subject_keys WHERE subject = %s
"""


def erase_all(
    url: str, organization_id: UUID, creators: Sequence[tuple[UUID, str]]
) -> None:
    """Erase one after the other, until killed."""
    with opened_store(url) as store:
        for creator_id, handle in creators:
            erase(store, creator_id, organization_id=organization_id, confirm=handle)


def followers(store: Store, *, but: str = "") -> list[Follower]:
    following = [
        Follower(projection, pool=store.pool, codec=store.codec)
        for projection in ALL_PROJECTIONS
        if projection.name != but
    ]
    for follower in following:
        follower.register()
    return following


@contextmanager
def followed(store: Store) -> Iterator[None]:
    """Let every projection follow the log for as long as the block lasts."""

    def follow(stop: threading.Event) -> None:
        following = followers(store)
        while not stop.wait(0.01):
            for follower in following:
                follower.catch_up()

    with at_work(follow):
        yield


def states_of(store: Store, creators: Sequence[tuple[UUID, str]]) -> list[bool]:
    """Which are erased; each is so in all of these places, or in none."""
    found: list[bool] = []
    with store.pool.connection() as connection:
        for creator_id, _ in creators:
            row = connection.execute(_STATE, (creator_id,)).fetchone()
            assert row is not None
            assert len({*row}) == 1, row
            found.append(row[0])
    return found


def seen(home: Home, creator_id: UUID, handle: str) -> NewEvent:
    event = e.ProfileSnapshotRecorded(
        organization_id=home.organization_id,
        creator_id=creator_id,
        observed_at=NOON,
        provider="test",
        follower_count=7,
        display_name=f"{handle} herself",
    )
    return NewEvent(new_id(), 1, event)


def test_a_killed_erasure_is_whole_or_not_begun_and_going_on_finishes_it(
    database_url: str,
) -> None:
    moments = random.Random(SEED)  # noqa: S311
    with opened_store(database_url, pool_size=6) as store:
        home = make_home(store)
        creators = [(home.creator(handle), handle) for handle in HANDLES]
        store.append([seen(home, *one) for one in creators], context=asking())
        amounts: list[int] = []
        with followed(store):
            for _ in range(2):
                begun = len(log_of(store, e.SubjectErased))
                with victim(
                    erase_all, database_url, home.organization_id, creators
                ) as process:
                    assert wait_until(
                        lambda begun=begun: len(log_of(store, e.SubjectErased)) > begun,
                        seconds=PATIENTLY,
                    )
                    threading.Event().wait(moments.uniform(0, 0.05))
                    process.kill()
                amounts.append(sum(states_of(store, creators)))
            erase_all(database_url, home.organization_id, creators)
            finished = states_of(store, creators)
        for follower in followers(store):
            follower.catch_up()

        erased = [one.event for one in log_of(store, e.SubjectErased)]
        numbers = [one.number for one in erased if isinstance(one, e.SubjectErased)]
        assert 0 < amounts[0] <= amounts[1] < len(creators)
        assert all(finished)
        assert sorted(numbers) == [*range(1, len(creators) + 1)]
        assert tables_with(store, "wanted.goat") == []
        assert all(home.holder(handle) is None for handle in HANDLES)


class Bed:
    """Where threads wait for one another, and then the process for SIGCONT."""

    def __init__(self, sleepers: int) -> None:
        self._barrier = threading.Barrier(
            sleepers, action=lambda: os.kill(os.getpid(), signal.SIGSTOP)
        )
        self._slept: set[str] = set()

    def sleep(self, who: str) -> None:
        if who not in self._slept:
            self._slept.add(who)
            self._barrier.wait(PATIENTLY)


def sleepy(
    kind: Any,  # noqa: ANN401
    bed: Bed,
    who: str,
    creator_id: UUID,
    *,
    method: str = "write",
) -> Any:  # noqa: ANN401
    """A projection that sleeps with opened events, just before it writes them."""

    def sleep_and_write(
        self: object, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
    ) -> None:
        if any(recorded.stream == creator_id for recorded in events):
            bed.sleep(who)
        getattr(kind, method)(self, cursor, events)

    return type("Sleepy", (kind,), {method: sleep_and_write})()


class SleepyProvider(Provider):
    """A provider that sleeps while it has the answer in hand."""

    name = "web"

    def __init__(self, bed: Bed) -> None:
        self._bed = bed

    def creator_profiles(self, target: Target) -> Verdict:
        self._bed.sleep("scrape")
        profile = ProfileObservation(
            user_id="7123456789012345678", display_name=f"{target.handle} awake"
        )
        return Ok(observed_at=NOON, profile=profile)

    def discover_videos(self, target: Target) -> Verdict:
        self._bed.sleep("list")
        return Transient(f"@{target.handle} has no list now.")

    video_stats = discover_videos


def sleep_through_it(url: str, creator_id: UUID, scrape_ids: list[UUID]) -> None:
    """Project, rebuild and scrape; sleep when each of them knows the handle."""
    bed, stop = Bed(5), threading.Event()
    with opened_store(url, pool_size=20) as store:
        analytics = sleepy(AnalyticsProjection, bed, "projector", creator_id)
        group = FollowerGroup(store, [analytics])
        group.register()
        creator_list = sleepy(CreatorList, bed, "rebuild", creator_id)
        sliced = sleepy(AnalyticsProjection, bed, "slices", creator_id, method="gather")
        provider = ScrapeDependencies(store=store, chain=Chain(SleepyProvider(bed)))
        projector = threading.Thread(target=group.run, args=(stop,))
        work: tuple[Callable[[], object], ...] = (
            lambda: rebuild(store, creator_list, by="test"),
            lambda: rebuild(store, sliced, by="test"),
            *(partial(scrape_creator, provider, each) for each in scrape_ids),
        )
        threads = [threading.Thread(target=each) for each in work]
        for thread in (projector, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        group.wake()
        projector.join()


def test_who_sleeps_through_an_erasure_with_the_key_writes_nothing_after_it(
    database_url: str,
) -> None:
    handle = "wanted.goat"
    with opened_store(database_url, pool_size=12) as store:
        home = make_home(store)
        creator_id, other = home.creator(handle), home.creator("other.goat")
        entries = [seen(home, creator_id, handle), seen(home, other, "other.goat")]
        store.append(entries, context=asking())
        derive_jobs(store)
        scrape_ids = [
            job["scrape_id"]
            for job in jobs_in(store)
            if job["creator_id"] == creator_id
        ]
        assert len(scrape_ids) == 2
        for follower in followers(store, but="analytics"):
            follower.catch_up()

        with victim(sleep_through_it, database_url, creator_id, scrape_ids) as sleeper:
            process = psutil.Process(sleeper.pid)
            assert wait_until(
                lambda: process.status() == psutil.STATUS_STOPPED, seconds=PATIENTLY
            )
            assert "public.creator_list" in tables_with(store, handle)
            done = erase(
                store,
                creator_id,
                organization_id=home.organization_id,
                confirm=handle,
            )
            # The projector sleeps in a transaction; all others wipe their rows now.
            for follower in followers(store, but="analytics"):
                follower.catch_up()
            assert tables_with(store, handle) == []
            sleeper.wake()
            sleeper.wait()
        for follower in followers(store):
            follower.catch_up()

        assert tables_with(store, handle) == []
        assert tables_with(store, "7123456789012345678") == []
        assert done.position is not None
        later = [
            recorded.event
            for recorded in log_of(store)
            if recorded.position > done.position
        ]
        assert later == []
        states = [job_of(store, each)["state"] for each in scrape_ids]
        assert sorted(states) == ["done", "ready"]
        with store.pool.connection() as connection:
            swapped = connection.execute(
                "SELECT name FROM projection_previous ORDER BY name"
            ).fetchall()
        assert swapped == [("analytics",), ("creator_list",)]
        for projection in PROJECTIONS:
            rebuilt = rebuild(store, projection, by="test")
            assert rebuilt.comparison.is_equal, projection.name
