import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from domain import events as e
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from tests.kit.histories import HOME, requested
from tests.kit.jobs import (
    ask_for_runs,
    derive_jobs,
    end_leases,
    ends_of,
    job_of,
    jobs_in,
    leased,
    let_time_pass,
    record_failure,
)
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.schedule import run_sql
from workers import lease_watch
from workers.lease_watch import LeaseWatch
from workers.scraping import jobs, retry_policy
from workers.scraping.jobs import FencedOffError, JobLease, ScrapeJobs


def test_a_request_becomes_a_job_that_is_due_at_once(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    job = job_of(store, scrape_id)

    assert (job["state"], job["attempts"], job["fence"]) == ("ready", 0, 0)
    assert (job["organization_id"], job["job_type"]) == (HOME, "creator_profiles")
    assert job["due_in"] <= 0
    assert (job["enqueued_at"], job["lease_until"], job["outcome"]) == (
        None,
        None,
        None,
    )


def test_a_request_that_is_taken_in_twice_is_one_job_as_far_as_it_has_come(
    store: Store,
):
    event = RecordedEvent(
        1, new_id(), 1, requested(new_id()), datetime(2026, 1, 1, tzinfo=UTC), "test"
    )
    with store.pool.connection() as connection, connection.cursor() as cursor:
        ScrapeJobs().write(cursor, [event, event])
    (once,) = jobs_in(store)
    lease = leased(store, event.stream)

    with store.pool.connection() as connection, connection.cursor() as cursor:
        ScrapeJobs().write(cursor, [event])

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
    assert jobs.LEASE_SECONDS - at_most(5) < job["leased_for"] <= jobs.LEASE_SECONDS
    assert (lease.creator_id, lease.job_type) == (job["creator_id"], job["job_type"])


def test_a_job_is_leased_to_one_worker_at_a_time(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    ready = threading.Barrier(8)

    def grab(_: int) -> JobLease | None:
        ready.wait(PATIENTLY)
        return jobs.lease(store.pool, scrape_id)

    with ThreadPoolExecutor(8) as threads:
        leases = list(threads.map(grab, range(8)))

    assert len([lease for lease in leases if lease is not None]) == 1
    assert job_of(store, scrape_id)["attempts"] == 1


def test_what_is_unknown_waiting_or_done_is_not_leased(store: Store):
    waiting, done = ask_for_runs(store, 2)
    jobs.postpone(
        store.pool,
        leased(store, waiting),
        outcome="blocked",
        error="",
        seconds=60,
        provider="web",
    )
    record_failure(store, leased(store, done), outcome="private")

    leases = [jobs.lease(store.pool, id_) for id_ in (waiting, done, new_id())]

    assert leases == [None, None, None]


def test_an_expired_lease_goes_to_the_next_who_asks(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    first = leased(store, scrape_id)
    while_it_lasts = jobs.lease(store.pool, scrape_id), jobs.take_back(store.pool)

    let_time_pass(store)
    second = leased(store, scrape_id)

    assert while_it_lasts == (None, 0)
    assert (second.attempt, second.fence) == (first.attempt + 1, first.fence + 1)


def test_a_lease_of_somebody_dead_ends_though_the_clock_was_set_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    clock = 0.0
    monkeypatch.setattr(lease_watch, "monotonic", lambda: clock)
    died, lives = ask_for_runs(store, 2)
    watch = LeaseWatch[UUID, datetime](seconds=30)
    leased(store, died)
    living = leased(store, lives)
    run_sql(
        store, "UPDATE scrape_job SET lease_until = lease_until + interval '1 hour'"
    )

    at_once = jobs.take_back(store.pool, watch)
    clock = 20.0
    jobs.renew(store.pool, {lives: living.fence}, seconds=3_700)
    too_early = jobs.take_back(store.pool, watch)
    clock = 31.0
    in_time = jobs.take_back(store.pool, watch)

    assert (at_once, too_early, in_time) == (0, 0, 1)
    assert run_sql(
        store, "SELECT scrape_id FROM scrape_job WHERE state = 'leased'"
    ) == [(lives,)]


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
        jobs.postpone(
            store.pool,
            late,
            outcome="blocked",
            error="Late.",
            seconds=60,
            provider="web",
        )

    job = job_of(store, scrape_id)
    assert (job["state"], job["outcome"]) == ("leased", None)
    assert job["error"] != "Late."


def test_a_postponed_job_says_why_and_is_due_later(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    jobs.postpone(
        store.pool,
        leased(store, scrape_id),
        outcome="rate_limited",
        error="Too many questions.",
        seconds=90,
        provider="web",
    )

    job = job_of(store, scrape_id)
    assert (job["state"], job["lease_until"]) == ("ready", None)
    assert (job["outcome"], job["error"]) == ("rate_limited", "Too many questions.")
    assert 80 < job["due_in"] <= 90
    assert job["attempts"] == 1


def test_a_job_whose_attempt_died_waits_before_the_next_and_says_so(store: Store):
    scrape_id, at_work = ask_for_runs(store, 2)
    leased(store, scrape_id)
    end_leases(store)
    too_soon = jobs.lease(store.pool, scrape_id)
    leased(store, at_work)

    taken_back = jobs.take_back(store.pool)

    job = job_of(store, scrape_id)
    assert (too_soon, taken_back) == (None, 1)
    assert (job["state"], job["lease_until"], job["enqueued_at"]) == (
        "ready",
        None,
        None,
    )
    assert job["error"] == "Attempt 1 died without an answer."
    assert (
        retry_policy.DIED.first / 2 - at_most(1)
        < job["due_in"]
        <= retry_policy.DIED.first
    )
    assert jobs.lease(store.pool, scrape_id) is None
    assert job_of(store, at_work)["state"] == "leased"


def test_the_waits_after_attempts_that_died_grow_fivefold(store: Store):
    scrape_ids = ask_for_runs(store, 50)
    waits: list[tuple[float, float]] = []

    for _ in range(retry_policy.MAX_ATTEMPTS):
        for scrape_id in scrape_ids:
            leased(store, scrape_id)
        end_leases(store)
        jobs.take_back(store.pool)
        found = [float(job["due_in"]) for job in jobs_in(store)]
        waits.append((min(found), max(found)))
        let_time_pass(store)

    for (least, most), longest in zip(waits, (4, 20, 100, 500), strict=False):
        assert longest / 2 - at_most(1) < least < most <= longest
        assert most - least > longest / 4
    # A worker that leases it now gives it up.
    assert waits[-1][1] <= 0


@pytest.mark.parametrize("trigger", ("added", "manual", "renamed", "anything else"))
def test_what_nobody_waits_for_comes_later(store: Store, trigger: str):
    event = msgspec.structs.replace(requested(new_id()), trigger=trigger)
    recorded = RecordedEvent(
        1, new_id(), 1, event, datetime(2026, 1, 1, tzinfo=UTC), "test"
    )

    with store.pool.connection() as connection, connection.cursor() as cursor:
        ScrapeJobs().write(cursor, [recorded])

    (job,) = jobs_in(store)
    assert job["priority"] == (1 if trigger == "anything else" else 0)


def test_a_renewed_lease_lasts_longer_and_only_for_who_has_it(store: Store):
    mine, lost, done = ask_for_runs(store, 3)
    held = {run: leased(store, run).fence for run in (mine, lost)}
    held[done] = (ended := leased(store, done)).fence
    record_failure(store, ended, outcome="private")
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET fence = fence + 1 WHERE scrape_id = %s", (lost,)
        )

    renewed = jobs.renew(store.pool, held, seconds=1_000)

    assert renewed == {mine}
    assert 990 < job_of(store, mine)["leased_for"] <= 1_000
    assert job_of(store, lost)["leased_for"] <= jobs.LEASE_SECONDS
    assert job_of(store, done)["state"] == "done"


def test_jobs_are_derived_from_the_log_alone(store: Store):
    scrape_ids = ask_for_runs(store, 3)
    with store.pool.connection() as connection:
        connection.execute("DELETE FROM scrape_job")
        connection.execute("UPDATE projection SET position = 0")

    derive_jobs(store)

    assert {job["scrape_id"] for job in jobs_in(store)} == set(scrape_ids)
