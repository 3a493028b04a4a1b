"""Few jobs are enqueued at a time, and organizations take turns."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.jobs import (
    ask_for_runs,
    enqueue_all,
    job_of,
    jobs_in,
    leased,
    let_time_pass,
    record_failure,
)
from tests.kit.patience import PATIENTLY
from workers.scraping import enqueue, jobs
from workers.scraping.enqueue import StartRate, enqueue_due


def start(store: Store, scrape_id: UUID) -> None:
    """Start a job and end it, so that it leaves its place."""
    record_failure(store, leased(store, scrape_id), outcome="private")


def set_enqueued(store: Store, *, seconds_ago: float, of: Sequence[UUID]) -> None:
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET due_at = clock_timestamp() - interval '1 hour', "
            "enqueued_at = clock_timestamp() - make_interval(secs => %s) "
            "WHERE scrape_id = ANY(%s)",
            (seconds_ago, list(of)),
        )


def test_what_is_due_is_enqueued_once_and_again_only_after_a_while(store: Store):
    scrape_ids = ask_for_runs(store, 3)

    first, at_once = enqueue_all(store), enqueue_all(store)
    set_enqueued(store, seconds_ago=enqueue.ENQUEUE_AGAIN_SECONDS - 5, of=scrape_ids)
    too_soon = enqueue_all(store)
    set_enqueued(store, seconds_ago=enqueue.ENQUEUE_AGAIN_SECONDS + 1, of=scrape_ids)
    later = enqueue_all(store)

    assert sorted(first) == sorted(scrape_ids)
    assert (at_once, too_soon) == ([], [])
    assert sorted(later) == sorted(scrape_ids)


def test_a_postponed_job_is_enqueued_when_it_is_due(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    enqueue_all(store)
    jobs.postpone(
        store.pool,
        leased(store, scrape_id),
        outcome="blocked",
        error="",
        seconds=60,
        provider="web",
    )

    waiting = enqueue_all(store)
    with store.pool.connection() as connection:
        # Due a moment ago, and enqueued before that.
        connection.execute("UPDATE scrape_job SET due_at = clock_timestamp()")
    due = enqueue_all(store)

    assert (waiting, due) == ([], [scrape_id])


def test_what_could_not_be_sent_is_not_marked_as_enqueued(store: Store):
    scrape_ids = ask_for_runs(store, 3)

    def break_off(due: Sequence[UUID]) -> None:
        raise ConnectionError(str(due[0]))

    with pytest.raises(ConnectionError):
        enqueue_due(store.pool, break_off)

    assert [job["enqueued_at"] for job in jobs_in(store)] == [None] * 3
    assert sorted(enqueue_all(store)) == sorted(scrape_ids)


def test_a_job_at_work_is_enqueued_when_its_lease_has_ended(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    leased(store, scrape_id)

    at_work = enqueue_all(store)
    let_time_pass(store)
    abandoned = enqueue_all(store)

    assert (at_work, abandoned) == ([], [scrape_id])


def test_a_done_job_is_never_enqueued(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)
    record_failure(store, leased(store, scrape_id), outcome="private")
    set_enqueued(store, seconds_ago=3_600, of=[scrape_id])

    assert enqueue_all(store) == []


def test_those_that_wait_longest_are_enqueued_first_and_not_all_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 2)
    scrape_ids = ask_for_runs(store, 5)
    with store.pool.connection() as connection:
        for seconds, scrape_id in enumerate(scrape_ids):
            connection.execute(
                "UPDATE scrape_job SET due_at = due_at - make_interval(secs => %s) "
                "WHERE scrape_id = %s",
                (seconds, scrape_id),
            )

    rounds = [enqueue_all(store), enqueue_all(store)]
    for scrape_id in rounds[0]:
        start(store, scrape_id)
    rounds += [enqueue_all(store), enqueue_all(store)]

    first, second, third, fourth, _ = reversed(scrape_ids)
    assert rounds == [[first, second], [], [third, fourth], []]


def test_a_ringer_does_not_wait_for_another_nor_ring_for_the_same(store: Store):
    scrape_ids = ask_for_runs(store, 4)
    sent_by_another: list[list[UUID]] = []

    def send(due: Sequence[UUID]) -> None:
        # In the midst of a ring, with its jobs locked.
        assert sorted(due) == sorted(scrape_ids)
        sent_by_another.append(enqueue_all(store))

    enqueue_due(store.pool, send)

    assert sent_by_another == [[]]


def test_many_ringers_and_workers_at_once_never_deadlock(store: Store):
    scrape_ids = ask_for_runs(store, 120)
    sent: list[UUID] = []

    def ring_all(_: int) -> None:
        while {job["state"] for job in jobs_in(store)} != {"done"}:
            enqueue_due(store.pool, sent.extend)

    def work(part: int) -> int:
        done = 0
        for scrape_id in scrape_ids[part::2]:
            if lease := jobs.lease(store.pool, scrape_id):
                record_failure(store, lease, outcome="private")
                done += 1
        return done

    with ThreadPoolExecutor(6) as threads:
        ringers = [threads.submit(ring_all, n) for n in range(4)]
        at_work = [threads.submit(work, n) for n in range(2)]
        for thread in ringers:
            thread.result(PATIENTLY)
        done = sum(thread.result(PATIENTLY) for thread in at_work)

    assert 0 < len(sent) == len(set(sent))
    assert done == len(scrape_ids)
    assert {job["state"] for job in jobs_in(store)} == {"done"}


def test_a_worker_that_is_quicker_than_the_ringer_waits_for_it(store: Store):
    (scrape_id,) = ask_for_runs(store, 1)

    with ThreadPoolExecutor(1) as threads:

        def send(_: Sequence[UUID]) -> None:
            # The message is out before the mark on the job is committed.
            early.append(threads.submit(jobs.lease, store.pool, scrape_id))

        early = []
        enqueue_due(store.pool, send)
        lease = early[0].result(PATIENTLY)

    assert lease is not None
    assert job_of(store, scrape_id)["state"] == "leased"


def test_only_few_are_enqueued_until_they_are_started(store: Store):
    ask_for_runs(store, 40)

    first, second = enqueue_all(store), enqueue_all(store)
    for scrape_id in first[:3]:
        start(store, scrape_id)
    third = enqueue_all(store)

    assert (len(first), len(second), len(third)) == (enqueue.LEAST_ENQUEUED, 0, 3)
    assert not {*first} & {*third}


def test_as_many_may_wait_as_are_at_work_up_to_a_bound(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 4)
    monkeypatch.setattr(enqueue, "MOST_ENQUEUED", 10)
    ask_for_runs(store, 60)

    amounts: list[int] = []
    for _ in range(5):
        due = enqueue_all(store)
        amounts.append(len(due))
        for scrape_id in due:
            leased(store, scrape_id)

    assert amounts == [4, 4, 8, 10, 10]


def test_as_many_may_wait_as_were_started_of_late(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 4)
    present = [100.0]
    pace = StartRate(clock=lambda: present[0])
    ask_for_runs(store, 60)

    amounts: list[int] = []
    for seconds in (0, 0.1, 0.1, 0.1, enqueue.START_RATE_SECONDS + 0.1):
        present[0] += seconds
        due: list[UUID] = []
        enqueue_due(store.pool, due.extend, start_rate=pace)
        amounts.append(len(due))
        for scrape_id in due:
            start(store, scrape_id)

    # 4, then what was started in the half second before, and after a pause 4 again.
    assert amounts == [4, 4, 8, 16, 4]


def test_jobs_that_are_enqueued_and_not_started_let_no_more_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 4)
    pace = StartRate()
    ask_for_runs(store, 30)
    due: list[UUID] = []

    amounts = [enqueue_due(store.pool, due.extend, start_rate=pace) for _ in range(5)]

    assert amounts == [4, 0, 0, 0, 0]


def test_what_is_not_started_is_enqueued_again_and_stops_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 4)
    many = ask_for_runs(store, 8)
    lost = enqueue_all(store)
    other = ask_for_runs(store, 2, organization_id=new_id())

    set_enqueued(store, seconds_ago=enqueue.ENQUEUE_AGAIN_SECONDS + 1, of=lost)
    again = enqueue_all(store)

    assert {*lost} <= {*many}
    assert len(again) == 4
    assert {*other} < {*again}
    assert len({*again} & {*lost}) == 2


def test_a_queue_that_nobody_empties_is_not_filled_up(store: Store):
    scrape_ids = ask_for_runs(store, 3)
    enqueue_all(store)
    set_enqueued(store, seconds_ago=3_600, of=scrape_ids)

    at_the_bound = enqueue_all(store, messages=enqueue.MOST_MESSAGES)
    below_it = enqueue_all(store, messages=enqueue.MOST_MESSAGES - 1)

    assert at_the_bound == []
    assert sorted(below_it) == sorted(scrape_ids)


def test_organizations_take_turns_however_much_one_has_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 1)
    ask_for_runs(store, 50, organization_id=(large := new_id()))
    others = [new_id() for _ in range(3)]
    for organization_id in others:
        ask_for_runs(store, 2, organization_id=organization_id)

    turns: list[UUID] = []
    for _ in range(12):
        (scrape_id,) = enqueue_all(store)
        turns.append(job_of(store, scrape_id)["organization_id"])
        start(store, scrape_id)

    assert Counter(turns[:4]) == Counter([large, *others])
    assert turns[4:8] == turns[:4]
    assert turns[8:] == [large] * 4


def test_places_are_shared_equally_and_none_stays_empty(store: Store):
    ask_for_runs(store, 50, organization_id=(large := new_id()))
    small = ask_for_runs(store, 3, organization_id=new_id())

    enqueued = enqueue_all(store)
    more = enqueue_all(store)

    whose = [job_of(store, scrape_id)["organization_id"] for scrape_id in enqueued]
    assert {*small} < {*enqueued}
    assert whose.count(large) == enqueue.LEAST_ENQUEUED // 2
    # The first in turn, then the other one, and so on.
    assert len(set(whose[:2])) == len(set(whose[2:4])) == len(set(whose[4:6])) == 2
    assert len(enqueued) + len(more) == enqueue.LEAST_ENQUEUED


def test_the_turn_is_shared_by_all_who_ring_and_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 1)
    first, second = sorted(new_id() for _ in range(2))
    for organization_id in (first, second):
        ask_for_runs(store, 5, organization_id=organization_id)
    (scrape_id,) = enqueue_all(store)
    start(store, scrape_id)

    def fail(_: Sequence[UUID]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        enqueue_due(store.pool, fail)
    (following,) = enqueue_all(store)

    assert job_of(store, scrape_id)["organization_id"] == first
    assert job_of(store, following)["organization_id"] == second


def test_what_somebody_waits_for_comes_before_what_was_scheduled(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 2)
    scheduled = ask_for_runs(store, 3)
    with store.pool.connection() as connection:
        connection.execute("UPDATE scrape_job SET priority = 1")
    by_hand = ask_for_runs(store, 3)

    rounds: list[list[UUID]] = []
    for _ in range(3):
        rounds.append(due := enqueue_all(store))
        for scrape_id in due:
            start(store, scrape_id)

    assert {*rounds[0], rounds[1][0]} == {*by_hand}
    assert {rounds[1][1], *rounds[2]} == {*scheduled}


def test_who_has_nothing_due_is_passed_over(store: Store):
    waiting = ask_for_runs(store, 5, organization_id=new_id())
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET due_at = clock_timestamp() + interval '1 hour'"
        )
    nothing = enqueue_all(store)
    due = ask_for_runs(store, 2, organization_id=new_id())

    assert nothing == []
    assert sorted(enqueue_all(store)) == sorted(due)
    assert {job_of(store, each)["enqueued_at"] for each in waiting} == {None}
