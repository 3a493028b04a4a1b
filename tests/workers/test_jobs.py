import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from infra.handlers.scrapes import end_scrape
from infra.ids import new_id
from infra.store import Recorded, Store
from tests.builders import asking
from tests.projections.histories import HOME, requested
from tests.workers.work import (
    ask_for_runs,
    derive_jobs,
    ends_of,
    job_of,
    jobs_in,
    let_time_pass,
)
from workers import jobs
from workers.jobs import FencedOffError, Lease, ScrapeJobs

PATIENTLY = 20.0


def leased(store: Store, scrape_id: UUID) -> Lease:
    lease = jobs.lease(store.pool, scrape_id)
    assert lease is not None
    return lease


def record_failure(store: Store, lease: Lease, *, outcome: e.Outcome) -> list[Recorded]:
    """Record how the run of the lease ended, as a worker does."""

    def alongside(cursor: Cursor[TupleRow], _: list[Recorded]) -> None:
        jobs.finish(cursor, lease, outcome=outcome, error="Gone.")

    return end_scrape(
        store,
        lease.scrape_id,
        c.RecordFailure(
            provider="test", attempts=lease.attempt, error="Gone.", outcome=outcome
        ),
        context=asking(),
        alongside=alongside,
    )


def set_rung(store: Store, *, seconds_ago: float) -> None:
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET due_at = clock_timestamp() - interval '1 hour', "
            "rung_at = clock_timestamp() - make_interval(secs => %s)",
            (seconds_ago,),
        )


def rings(store: Store) -> list[UUID]:
    """Ring once, and say for what."""
    sent: list[UUID] = []
    jobs.ring(store.pool, sent.extend)
    return sent


def test_a_request_becomes_a_job_that_is_due_at_once(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    job = job_of(store, scrape_id)

    assert (job["state"], job["attempts"], job["fence"]) == ("ready", 0, 0)
    assert (job["organization_id"], job["job_type"]) == (HOME, "creator_profiles")
    assert job["due_in"] <= 0
    assert (job["rung_at"], job["lease_until"], job["outcome"]) == (None, None, None)


def test_a_request_that_is_taken_in_twice_is_one_job_as_far_as_it_has_come(
    store: Store,
):
    fact = Recorded(
        1, new_id(), 1, requested(new_id()), datetime(2026, 1, 1, tzinfo=UTC), "test"
    )
    with store.pool.connection() as connection, connection.cursor() as cursor:
        ScrapeJobs().write(cursor, [fact, fact])
    (once,) = jobs_in(store)
    lease = leased(store, fact.stream)

    with store.pool.connection() as connection, connection.cursor() as cursor:
        ScrapeJobs().write(cursor, [fact])

    assert (once["state"], once["attempts"]) == ("ready", 0)
    (job,) = jobs_in(store)
    assert (job["state"], job["attempts"]) == ("leased", 1)
    assert job["fence"] == lease.fence


def test_an_attempt_counts_before_it_starts(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    lease = leased(store, scrape_id)

    job = job_of(store, scrape_id)
    assert (lease.attempt, lease.fence) == (1, 1)
    assert (job["state"], job["attempts"], job["fence"]) == ("leased", 1, 1)
    assert jobs.LEASE_SECONDS - 10 < job["leased_for"] <= jobs.LEASE_SECONDS
    assert (lease.creator_id, lease.job_type) == (job["creator_id"], job["job_type"])


def test_a_job_is_leased_to_one_worker_at_a_time(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    ready = threading.Barrier(8)

    def grab(_: int) -> Lease | None:
        ready.wait(PATIENTLY)
        return jobs.lease(store.pool, scrape_id)

    with ThreadPoolExecutor(8) as threads:
        leases = list(threads.map(grab, range(8)))

    assert len([lease for lease in leases if lease is not None]) == 1
    assert job_of(store, scrape_id)["attempts"] == 1


def test_what_is_unknown_waiting_or_done_is_not_leased(store: Store):
    waiting, done = ask_for_runs(store, 2)
    jobs.postpone(
        store.pool, leased(store, waiting), outcome="blocked", error="", seconds=60
    )
    record_failure(store, leased(store, done), outcome="private")

    leases = [jobs.lease(store.pool, id_) for id_ in (waiting, done, new_id())]

    assert leases == [None, None, None]


def test_an_expired_lease_goes_to_the_next_who_asks(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    first = leased(store, scrape_id)
    while_it_lasts = jobs.lease(store.pool, scrape_id)

    let_time_pass(store)
    second = leased(store, scrape_id)

    assert while_it_lasts is None
    assert (second.attempt, second.fence) == (first.attempt + 1, first.fence + 1)


def test_a_result_that_comes_after_the_lease_went_on_is_refused(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    late = leased(store, scrape_id)
    let_time_pass(store)
    present = leased(store, scrape_id)

    with pytest.raises(FencedOffError):
        record_failure(store, late, outcome="not_found")
    after_the_late_one = ends_of(store, [scrape_id])[scrape_id]
    record_failure(store, present, outcome="private")

    assert after_the_late_one == []
    (end,) = ends_of(store, [scrape_id])[scrape_id]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.attempts) == ("private", 2)
    assert job_of(store, scrape_id)["outcome"] == "private"


def test_a_result_after_the_lease_ended_stands_if_nobody_took_over(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    slow = leased(store, scrape_id)
    let_time_pass(store)

    record_failure(store, slow, outcome="private")

    assert len(ends_of(store, [scrape_id])[scrape_id]) == 1
    assert job_of(store, scrape_id)["state"] == "done"


def test_who_lost_the_lease_cannot_postpone_the_job(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    late = leased(store, scrape_id)
    let_time_pass(store)
    leased(store, scrape_id)

    with pytest.raises(FencedOffError):
        jobs.postpone(store.pool, late, outcome="blocked", error="Late.", seconds=60)

    job = job_of(store, scrape_id)
    assert (job["state"], job["outcome"], job["error"]) == ("leased", None, None)


def test_a_postponed_job_says_why_and_is_due_later(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    jobs.postpone(
        store.pool,
        leased(store, scrape_id),
        outcome="rate_limited",
        error="Too many questions.",
        seconds=90,
    )

    job = job_of(store, scrape_id)
    assert (job["state"], job["lease_until"]) == ("ready", None)
    assert (job["outcome"], job["error"]) == ("rate_limited", "Too many questions.")
    assert 80 < job["due_in"] <= 90
    assert job["attempts"] == 1


@pytest.mark.parametrize(
    ("attempt", "least", "most"),
    (
        (1, 5, 10),
        (2, 10, 20),
        (3, 20, 40),
        (9, 1_280, 2_560),
        (10, 1_800, 3_600),
        (60, 1_800, 3_600),
    ),
)
def test_waits_double_up_to_an_hour_with_half_of_it_by_chance(
    attempt: int, least: float, most: float
):
    waits = [jobs.backoff(attempt) for _ in range(200)]

    assert least <= min(waits) < least + (most - least) / 4
    assert most - (most - least) / 4 < max(waits) <= most


@pytest.mark.parametrize(
    ("floor", "least", "most"),
    (
        (0, 5, 10),
        (-1, 5, 10),
        (120, 120, 120),
        (86_400, 86_400, 86_400),
        (1e12, 86_400, 86_400),
        (float("inf"), 86_400, 86_400),
        (float("nan"), 5, 10),
    ),
)
def test_a_wait_is_as_long_as_the_platform_asked_for_up_to_a_day(
    floor: float, least: float, most: float
):
    waits = [jobs.backoff(1, floor=floor) for _ in range(50)]

    assert least <= min(waits) <= max(waits) <= most


def test_what_is_due_is_rung_once_and_again_only_after_a_while(store: Store):
    scrape_ids = ask_for_runs(store, 3)

    first, at_once = rings(store), rings(store)
    set_rung(store, seconds_ago=jobs.RING_AGAIN_SECONDS - 5)
    too_soon = rings(store)
    set_rung(store, seconds_ago=jobs.RING_AGAIN_SECONDS + 1)
    later = rings(store)

    assert sorted(first) == sorted(scrape_ids)
    assert (at_once, too_soon) == ([], [])
    assert sorted(later) == sorted(scrape_ids)


def test_a_postponed_job_is_rung_when_it_is_due(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    rings(store)
    jobs.postpone(
        store.pool, leased(store, scrape_id), outcome="blocked", error="", seconds=60
    )

    waiting = rings(store)
    with store.pool.connection() as connection:
        # Due a moment ago, and rung before that.
        connection.execute("UPDATE scrape_job SET due_at = clock_timestamp()")
    due = rings(store)

    assert (waiting, due) == ([], [scrape_id])


def test_what_could_not_be_sent_is_not_marked_as_rung(store: Store):
    scrape_ids = ask_for_runs(store, 3)

    def break_off(due: Sequence[UUID]) -> None:
        raise ConnectionError(str(due[0]))

    with pytest.raises(ConnectionError):
        jobs.ring(store.pool, break_off)

    assert [job["rung_at"] for job in jobs_in(store)] == [None] * 3
    assert sorted(rings(store)) == sorted(scrape_ids)


def test_a_job_at_work_is_rung_when_its_lease_has_ended(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    leased(store, scrape_id)

    at_work = rings(store)
    let_time_pass(store)
    abandoned = rings(store)

    assert (at_work, abandoned) == ([], [scrape_id])


def test_a_done_job_is_never_rung(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    record_failure(store, leased(store, scrape_id), outcome="private")
    set_rung(store, seconds_ago=3_600)

    assert rings(store) == []


def test_those_that_wait_longest_are_rung_first_and_not_all_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "RING_AT_MOST", 2)
    scrape_ids = ask_for_runs(store, 5)
    with store.pool.connection() as connection:
        for seconds, scrape_id in enumerate(scrape_ids):
            connection.execute(
                "UPDATE scrape_job SET due_at = due_at - make_interval(secs => %s) "
                "WHERE scrape_id = %s",
                (seconds, scrape_id),
            )

    rounds = [set(rings(store)) for _ in range(4)]

    first, second, third, fourth, fifth = reversed(scrape_ids)
    assert rounds == [{first, second}, {third, fourth}, {fifth}, set()]


def test_a_ringer_does_not_wait_for_another_nor_ring_for_the_same(store: Store):
    scrape_ids = ask_for_runs(store, 4)
    sent_by_another: list[list[UUID]] = []

    def send(due: Sequence[UUID]) -> None:
        # In the midst of a ring, with its jobs locked.
        assert sorted(due) == sorted(scrape_ids)
        sent_by_another.append(rings(store))

    jobs.ring(store.pool, send)

    assert sent_by_another == [[]]


def test_many_ringers_and_workers_at_once_never_deadlock(store: Store):
    scrape_ids = ask_for_runs(store, 120)
    sent: list[UUID] = []

    def ring_all(_: int) -> None:
        while jobs.ring(store.pool, sent.extend):
            pass

    def work(part: int) -> int:
        done = 0
        for scrape_id in scrape_ids[part::2]:
            if lease := jobs.lease(store.pool, scrape_id):
                record_failure(store, lease, outcome="private")
                done += 1
        return done

    with ThreadPoolExecutor(6) as threads:
        ringing = [threads.submit(ring_all, n) for n in range(4)]
        at_work = [threads.submit(work, n) for n in range(2)]
        for thread in ringing:
            thread.result(PATIENTLY)
        done = sum(thread.result(PATIENTLY) for thread in at_work)

    assert len(sent) == len(set(sent))
    assert done == len(scrape_ids)
    assert {job["state"] for job in jobs_in(store)} == {"done"}


def test_a_worker_that_is_quicker_than_the_ringer_waits_for_it(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    with ThreadPoolExecutor(1) as threads:

        def send(_: Sequence[UUID]) -> None:
            # The message is out before the mark on the job is committed.
            early.append(threads.submit(jobs.lease, store.pool, scrape_id))

        early = []
        jobs.ring(store.pool, send)
        lease = early[0].result(PATIENTLY)

    assert lease is not None
    assert job_of(store, scrape_id)["state"] == "leased"


def test_jobs_are_derived_from_the_log_alone(store: Store):
    scrape_ids = ask_for_runs(store, 3)
    with store.pool.connection() as connection:
        connection.execute("DELETE FROM scrape_job")
        connection.execute("UPDATE projection SET position = 0")

    derive_jobs(store)

    assert {job["scrape_id"] for job in jobs_in(store)} == set(scrape_ids)
