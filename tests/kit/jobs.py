"""The work as tests see it: jobs in their table, and messages on the queue."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import dramatiq
import redis
from dramatiq import Broker, Message
from psycopg.rows import dict_row

from domain import commands as c
from domain import events as e
from domain.scrape.verdicts import Verdict
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import asking
from tests.kit.commands import end_scrape
from tests.kit.histories import HOME, requested
from workers.broker import SCRAPES_QUEUE
from workers.scraping import jobs
from workers.scraping.enqueue import enqueue_due
from workers.scraping.jobs import JobLease, ScrapeJobs
from workers.scraping.scrape import ScrapeDependencies, declare_actor
from workers.sources.port import (
    Provider,
    Target,
)

Answer = Verdict | Exception


class Scripted(Provider):
    """A provider with the answers of the test; the last one is repeated."""

    name = "scripted"

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.calls: list[tuple[e.JobType, str]] = []

    def creator_profiles(self, target: Target) -> Verdict:
        return self._answer("creator_profiles", target)

    def discover_videos(self, target: Target) -> Verdict:
        return self._answer("discover_videos", target)

    def video_stats(self, target: Target) -> Verdict:
        return self._answer("video_stats", target)

    def _answer(self, job_type: e.JobType, target: Target) -> Verdict:
        self.calls.append((job_type, target.handle))
        answer = self._answers[min(len(self.calls), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Watched(Scripted):
    """A scripted provider that keeps the requested targets."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(*answers)
        self.targets: list[Target] = []

    def _answer(self, job_type: e.JobType, target: Target) -> Verdict:
        self.targets.append(target)
        return super()._answer(job_type, target)


@contextmanager
def running(broker: Broker, *, threads: int = 2) -> Generator[None]:
    """Run a Dramatiq worker in this process, for the actors that the broker knows."""
    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=threads)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


@contextmanager
def working(
    broker: Broker, dependencies: ScrapeDependencies, *, threads: int = 2
) -> Generator[None]:
    """Run a Dramatiq worker that scrapes, in this process."""
    declare_actor(broker, dependencies)
    with running(broker, threads=threads):
        yield


def record_failure(
    store: Store, lease: JobLease, *, outcome: e.Outcome
) -> list[RecordedEvent]:
    """Record how the run of the lease ended, as a worker does."""
    with jobs.fenced():
        return end_scrape(
            store,
            lease.scrape_id,
            c.RecordFailure(
                provider="test", attempts=lease.attempt, error="Gone.", outcome=outcome
            ),
            context=asking(),
            before_append=lambda cursor: jobs.finish(
                cursor, lease, outcome=outcome, error="Gone."
            ),
        )


def ask_for_runs(
    store: Store, amount: int, *, organization_id: UUID = HOME
) -> list[UUID]:
    """Put requests for runs of creators that do not matter into the log."""
    entries = [
        NewEvent(new_id(), 1, requested(new_id(), organization_id=organization_id))
        for _ in range(amount)
    ]
    store.append(entries, context=asking())
    derive_jobs(store)
    return [entry.originator_id for entry in entries]


def derive_jobs(store: Store) -> None:
    """Make the jobs that the log asks for."""
    follower = Follower(ScrapeJobs(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def jobs_in(store: Store) -> list[dict[str, Any]]:
    with (
        store.pool.connection() as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        return cursor.execute(
            "SELECT *, extract(epoch FROM due_at - clock_timestamp()) AS due_in, "
            "extract(epoch FROM lease_until - clock_timestamp()) AS leased_for "
            "FROM scrape_job ORDER BY created_at, scrape_id"
        ).fetchall()


def job_of(store: Store, scrape_id: UUID) -> dict[str, Any]:
    """One job, as it stands; ``due_in`` and ``leased_for`` are seconds from now."""
    (job,) = (job for job in jobs_in(store) if job["scrape_id"] == scrape_id)
    return job


def all_done(store: Store) -> bool:
    return {job["state"] for job in jobs_in(store)} == {"done"}


def enqueue_all(store: Store, *, messages: int = 0) -> list[UUID]:
    """Enqueue once, with so many messages on the queue; return the enqueued runs."""
    sent: list[UUID] = []
    enqueue_due(store.pool, sent.extend, waiting_messages=lambda: messages)
    return sent


def leased(store: Store, scrape_id: UUID) -> JobLease:
    """Take a job that can be taken."""
    lease = jobs.lease(store.pool, scrape_id)
    assert lease is not None
    return lease


def end_leases(store: Store) -> None:
    """Let every lease have ended a second ago."""
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET lease_until = clock_timestamp() - interval '1 s' "
            "WHERE state = 'leased'"
        )


def let_time_pass(store: Store) -> None:
    """End every lease and every wait, and forget the enqueued messages."""
    end_leases(store)
    jobs.take_back(store.pool)
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET due_at = clock_timestamp(), enqueued_at = NULL "
            "WHERE state = 'ready'"
        )


def ends_of(store: Store, scrape_ids: Sequence[UUID]) -> dict[UUID, list[e.Event]]:
    """How each run ended: its last events, of which there should be one."""
    histories = store.load(*scrape_ids)
    return {
        scrape_id: [
            recorded.event
            for recorded in history
            if isinstance(recorded.event, e.ScrapeSucceeded | e.ScrapeFailed)
        ]
        for scrape_id, history in histories.items()
    }


def messages(url: str) -> list[UUID]:
    """The runs of the messages on the queue."""
    with redis.Redis.from_url(url) as connection:
        bodies: dict[bytes, bytes] = connection.hgetall(
            f"goatherd:{SCRAPES_QUEUE}.msgs"
        )  # pyright: ignore[reportAssignmentType]
    return [UUID(Message[None].decode(body).args[0]) for body in bodies.values()]
