from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import accumulate, cycle, pairwise, takewhile
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import NOON, Home, asking
from tests.kit.commands import reenable_creators, remove_creator
from tests.kit.depth import part_of
from tests.kit.histories import HOME, History, failed, succeeded
from workers.policies import auto_disable
from workers.policies.auto_disable import VerdictStreaks

COUNTED: tuple[e.Outcome, ...] = ("not_found", "private", "unavailable")
NOT_COUNTED: tuple[e.Outcome | None, ...] = (
    *("blocked", "rate_limited", "transient", "schema_changed", "identity_changed"),
    "not_in_recording",
    None,
)


def a_run_ends(store: Store, event: e.ScrapeFailed | e.ScrapeSucceeded) -> UUID:
    """Put the end of a run into the log, and return the run."""
    scrape_id = new_id()
    store.append([NewEvent(scrape_id, 1, event)], context=asking())
    return scrape_id


def runs_fail(
    store: Store, creator_id: UUID, *outcomes: e.Outcome | None
) -> list[UUID]:
    return [
        a_run_ends(store, failed(creator_id, outcome=outcome)) for outcome in outcomes
    ]


def count(store: Store) -> int:
    """Apply new events of the log; returns how many creators are to be disabled."""
    follower = Follower(VerdictStreaks(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()
    return auto_disable.disable_due(store, store.pool)


def disablings(store: Store, creator_id: UUID) -> list[e.CreatorAutoDisabled]:
    return [
        recorded.event
        for recorded in store.load(creator_id)[creator_id]
        if isinstance(recorded.event, e.CreatorAutoDisabled)
    ]


def reenable(home: Home, creator_id: UUID, *, days: int = 0) -> None:
    done = reenable_creators(
        home.store,
        [creator_id],
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=DEFAULT_PLANS,
        now=NOON + timedelta(days=days),
        context=asking(),
    )
    assert [result.status for result in done.result] == ["ok"]


@pytest.mark.parametrize("outcome", COUNTED)
def test_three_such_verdicts_in_a_row_disable_a_creator_with_the_last_of_them(
    home: Home, outcome: e.Outcome
):
    billie = home.creator("billie")
    others: list[e.Outcome] = [other for other in COUNTED if other != outcome]
    *_, last = runs_fail(home.store, billie, *others, outcome)

    due = count(home.store)

    assert due == 1
    assert disablings(home.store, billie) == [
        e.CreatorAutoDisabled(
            organization_id=home.organization_id, verdict=outcome, scrape_id=last
        )
    ]


def test_two_are_not_enough_and_a_fourth_disables_nobody_again(home: Home):
    billie = home.creator("billie")

    runs_fail(home.store, billie, "private", "private")
    after_two = count(home.store), disablings(home.store, billie)
    runs_fail(home.store, billie, "private")
    after_three = count(home.store)
    runs_fail(home.store, billie, "private", "private", "private")
    after_six = count(home.store)

    assert after_two == (0, [])
    assert (after_three, after_six) == (1, 0)
    assert len(disablings(home.store, billie)) == 1


@pytest.mark.parametrize("outcome", NOT_COUNTED)
def test_a_verdict_that_says_nothing_of_the_account_neither_counts_nor_resets(
    home: Home, outcome: e.Outcome | None
):
    billie, nanny = home.creator("billie"), home.creator("nanny")

    runs_fail(home.store, billie, "private", outcome, "private", outcome, "private")
    runs_fail(home.store, nanny, outcome, outcome, outcome, "private", "private")
    count(home.store)

    assert len(disablings(home.store, billie)) == 1
    assert disablings(home.store, nanny) == []


RESETS: dict[str, e.Event] = {
    "a rename": e.HandleChanged(organization_id=HOME, old="billie", new="nanny"),
    "another try": e.CreatorReenabled(organization_id=HOME, at=NOON),
    "a return": e.CreatorReactivated(organization_id=HOME, tracking_mode="auto"),
    "a removal": e.CreatorRemoved(organization_id=HOME),
}


@pytest.mark.parametrize("at_once", (True, False), ids=["one batch", "one by one"])
@pytest.mark.parametrize("reset", ("a good run", *RESETS))
def test_what_begins_anew_counts_anew(home: Home, reset: str, *, at_once: bool):
    billie = home.creator("billie")

    def perhaps_count() -> None:
        if not at_once:
            count(home.store)

    runs_fail(home.store, billie, "private", "private")
    perhaps_count()
    if reset == "a good run":
        a_run_ends(home.store, succeeded(billie))
    else:
        version = len(home.store.load(billie)[billie]) + 1
        home.store.append([NewEvent(billie, version, RESETS[reset])], context=asking())
    perhaps_count()
    runs_fail(home.store, billie, "private", "private")
    count(home.store)

    assert disablings(home.store, billie) == []


def test_creators_are_counted_apart(home: Home):
    billie, nanny = home.creator("billie"), home.creator("nanny")

    runs_fail(home.store, billie, "private", "private")
    runs_fail(home.store, nanny, "private", "private")
    a_run_ends(home.store, succeeded(nanny))
    runs_fail(home.store, billie, "private")
    runs_fail(home.store, nanny, "private")
    count(home.store)

    assert len(disablings(home.store, billie)) == 1
    assert disablings(home.store, nanny) == []


def test_a_disabling_that_was_not_marked_as_done_is_not_done_twice(home: Home):
    billie = home.creator("billie")
    *_, third = runs_fail(home.store, billie, "private", "private", "private")
    count(home.store)

    # The process died between the two, and somebody was quicker than the next one.
    reenable(home, billie)
    with home.store.pool.connection() as connection:
        connection.execute(
            "UPDATE verdict_streak SET due_verdict = 'private', due_scrape_id = %s",
            (third,),
        )
    handed_over = auto_disable.disable_due(home.store, home.store.pool)
    after_that = auto_disable.disable_due(home.store, home.store.pool)

    assert (handed_over, after_that) == (1, 0)
    assert len(disablings(home.store, billie)) == 1
    assert isinstance(home.store.load(billie)[billie][-1].event, e.CreatorReenabled)


def test_after_another_try_it_takes_three_more(home: Home):
    billie = home.creator("billie")
    runs_fail(home.store, billie, "private", "private", "private")
    count(home.store)
    reenable(home, billie)

    runs_fail(home.store, billie, "private", "private")
    after_two = count(home.store)
    *_, last = runs_fail(home.store, billie, "not_found")
    after_three = count(home.store)

    assert (after_two, after_three) == (0, 1)
    assert [event.scrape_id for event in disablings(home.store, billie)][1:] == [last]


def test_a_creator_that_was_removed_meanwhile_stays_removed(home: Home):
    billie = home.creator("billie")
    runs_fail(home.store, billie, "private", "private", "private")
    follower = Follower(VerdictStreaks(), pool=home.store.pool, codec=home.store.codec)
    follower.register()
    follower.catch_up()

    remove_creator(
        home.store, billie, organization_id=home.organization_id, context=asking()
    )
    handed_over = auto_disable.disable_due(home.store, home.store.pool)

    assert handed_over == 1
    assert disablings(home.store, billie) == []
    assert auto_disable.disable_due(home.store, home.store.pool) == 0


# However the log is cut into batches, the streaks are those of a plain count.

GOATS = [UUID(int=0xC0 + number) for number in range(2)]
STEPS = st.tuples(
    st.sampled_from(GOATS),
    st.sampled_from([*COUNTED * 5, *NOT_COUNTED, "ok", *RESETS]),
)


def reported(steps: Sequence[tuple[UUID, Any]]) -> list[RecordedEvent]:
    history = History()
    for number, (creator_id, step) in enumerate(steps):
        run = UUID(int=0x5C0000 + number)
        if step == "ok":
            history.happened(run, succeeded(creator_id))
        elif step in RESETS:
            history.happened(creator_id, RESETS[step])
        else:
            history.happened(run, failed(creator_id, outcome=step))
    return history.events


def counted(steps: Sequence[tuple[UUID, Any]]) -> dict[UUID, tuple[Any, ...]]:
    rows: dict[UUID, tuple[Any, ...]] = {}
    for number, (creator_id, step) in enumerate(steps):
        if step == "ok" or step in RESETS:
            rows.pop(creator_id, None)
        elif step in COUNTED:
            streak, *due = rows.get(creator_id, (0, None, None))
            if streak == 2:
                due = [step, UUID(int=0x5C0000 + number)]
            rows[creator_id] = (streak + 1, *due)
    return rows


@settings(
    deadline=None,
    max_examples=part_of(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(STEPS, min_size=12, max_size=40),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_any_cut_of_the_log_taken_in_twice_gives_the_same_streaks(
    connection: Connection[TupleRow], steps: list[tuple[UUID, Any]], sizes: list[int]
):
    events = reported(steps)
    ends = takewhile(partial(int.__gt__, len(events)), accumulate(cycle(sizes)))

    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        for start, end in pairwise([0, *ends, len(events)]):
            VerdictStreaks().write(cursor, events[start:end])
            VerdictStreaks().write(cursor, events[start:end])
        rows = cursor.execute(
            "SELECT creator_id, streak, due_verdict, due_scrape_id "
            "FROM verdict_streak WHERE streak > 0"
        ).fetchall()

    assert {creator_id: tuple(rest) for creator_id, *rest in rows} == counted(steps)
