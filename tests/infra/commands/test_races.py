from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Self, TypeVar

import psycopg
import pytest

from domain import commands as c
from domain import events as e
from domain.creator.handlers.add import Addition, Additions, RequestedCreator
from domain.errors import (
    CreatorBannedError,
    HandleTakenError,
    LimitReachedError,
)
from domain.organization.plans import DEFAULT_PLANS, Limits
from infra.embedded.processes import wait_until
from infra.eventstore.execute import Executed
from infra.eventstore.store import BusyError, Store
from infra.ids import new_id
from tests.kit.builders import NOON, SCRAPE, Home, asking, make_home, next_events
from tests.kit.commands import (
    add_creators,
    auto_disable_creator,
    ban_handle,
    change_creator,
    change_organization,
    reenable_creators,
    unban_handle,
)
from tests.kit.databases import in_line

T = TypeVar("T")

ROUNDS = 120


class Queue:
    """A line for the append lock: writers in it have read and decided by now."""

    def __init__(self, url: str) -> None:
        self._holder = psycopg.connect(url, autocommit=True)
        self._threads = ThreadPoolExecutor(8)
        self._waiting = 0

    def line_up(self, ask: Callable[[], T]) -> "Future[T]":
        """Let somebody else ask, and return once that one stands in line."""
        if self._waiting == 0:
            self._holder.execute("SELECT pg_advisory_lock(7203914821)")
        answer = self._threads.submit(ask)
        self._waiting += 1
        assert wait_until(lambda: self._length() == self._waiting, seconds=4)
        return answer

    def move(self) -> None:
        """Let them append, in the order they came."""
        self._holder.execute("SELECT pg_advisory_unlock(7203914821)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._holder.close()
        self._threads.shutdown()

    def _length(self) -> int:
        return in_line(self._holder)


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    with Queue(database_url) as queue:
        yield queue


# the same handle


def test_of_fifty_who_add_the_same_handle_at_once_one_succeeds(
    store: Store, home: Home
):
    together = Barrier(50)

    def add() -> Addition:
        together.wait()
        (added,) = home.add("ada")
        return added

    with ThreadPoolExecutor(50) as threads:
        answers = [threads.submit(add) for _ in range(50)]
        results = [answer.result() for answer in answers]

    (created,) = (result for result in results if result.status == "created")
    refusals = [type(result.refusal) for result in results if result is not created]
    assert refusals == [HandleTakenError] * 49
    assert home.holder("ada") == created.creator_id
    claim = store.names.claim_stream(home.project_id, "ada")
    assert len(store.load(claim)[claim]) == 1
    assert home.counted() == home.active_in_the_log() == 1


def test_of_a_rename_and_an_addition_one_gets_the_handle(home: Home, queue: Queue):
    ada = home.creator("ada")

    renamed = queue.line_up(lambda: home.rename(ada, "lovelace"))
    added = queue.line_up(lambda: home.add("lovelace"))
    queue.move()

    assert renamed.exception() is None
    (refused,) = added.result()
    assert isinstance(refused.refusal, HandleTakenError)
    assert home.holder("lovelace") == ada
    assert home.counted() == home.active_in_the_log() == 1


def test_of_two_who_bring_a_creator_back_one_succeeds(home: Home, queue: Queue):
    ada = home.creator("ada")
    home.remove(ada)

    answers = [queue.line_up(lambda: home.add("ada")) for _ in range(2)]
    queue.move()

    (first,), (second,) = (answer.result() for answer in answers)
    assert (first.status, first.creator_id) == ("reactivated", ada)
    assert isinstance(second.refusal, HandleTakenError)
    assert home.counted() == home.active_in_the_log() == 1


def test_of_a_bulk_addition_only_the_handle_that_was_lost_fails(
    home: Home, queue: Queue
):
    one = queue.line_up(lambda: home.add("ada", "berta"))
    other = queue.line_up(lambda: home.add("berta", "cleo"))
    queue.move()

    assert [result.status for result in one.result()] == ["created", "created"]
    assert [result.status for result in other.result()] == ["failed", "created"]
    assert home.counted() == home.active_in_the_log() == 3


# bans


def test_a_ban_that_gets_in_between_keeps_a_handle_out(
    store: Store, home: Home, queue: Queue
):
    ban = queue.line_up(lambda: ban_handle(store, "ada", context=asking()))
    added = queue.line_up(lambda: home.add("ada", "berta"))
    queue.move()

    assert len(ban.result()) == 1
    ada, berta = added.result()
    assert isinstance(ada.refusal, CreatorBannedError)
    assert berta.status == "created"
    assert home.holder("ada") is None


def test_a_ban_that_gets_in_between_stops_a_rename(
    store: Store, home: Home, queue: Queue
):
    ada = home.creator("ada")

    queue.line_up(lambda: ban_handle(store, "lovelace", context=asking()))
    renamed = queue.line_up(lambda: home.rename(ada, "lovelace"))
    queue.move()

    assert isinstance(renamed.exception(), CreatorBannedError)
    assert (home.holder("ada"), home.holder("lovelace")) == (ada, None)


def test_a_ban_that_gets_in_between_keeps_a_removed_creator_out(
    store: Store, home: Home, queue: Queue
):
    ada = home.creator("ada")
    home.remove(ada)

    queue.line_up(lambda: ban_handle(store, "ada", context=asking()))
    added = queue.line_up(lambda: home.add("ada"))
    queue.move()

    (refused,) = added.result()
    assert isinstance(refused.refusal, CreatorBannedError)
    assert home.look_at(ada).status == "removed"


def test_of_two_who_ban_a_handle_one_does(store: Store, queue: Queue):
    bans = [
        queue.line_up(lambda: ban_handle(store, "ada", context=asking()))
        for _ in range(2)
    ]
    queue.move()

    assert [len(ban.result()) for ban in bans] == [1, 0]


@pytest.mark.parametrize("way", ("add", "rename"))
def test_no_handle_is_ever_claimed_after_its_ban(store: Store, home: Home, way: str):
    ada = home.creator("ada")
    together = Barrier(2)

    def claim(handle: str) -> None:
        together.wait()
        if way == "add":
            # In a crowd, so that deciding takes a while.
            home.add(*(f"{handle}.{n}" for n in range(9)), handle)
            return
        with suppress(CreatorBannedError):
            home.rename(ada, handle)

    def ban(handle: str) -> None:
        together.wait()
        ban_handle(store, handle, context=asking())

    handles = [f"goat-{number}" for number in range(ROUNDS)]
    with ThreadPoolExecutor(2) as threads:
        for handle in handles:
            for answer in (threads.submit(claim, handle), threads.submit(ban, handle)):
                answer.result()

    for handle in handles:
        claimed, banned = (
            store.names.claim_stream(home.project_id, handle),
            store.names.ban_stream(handle),
        )
        histories = store.load(claimed, banned)
        (the_ban,) = histories[banned]
        assert all(
            event.position < the_ban.position
            for event in histories[claimed]
            if isinstance(event.event, e.HandleClaimed)
        )


# limits


def test_of_two_who_add_for_the_last_places_one_is_told_that_they_are_gone(
    store: Store, queue: Queue
):
    home = make_home(store, plan="free")

    one = queue.line_up(lambda: home.add("a", "b", "c"))
    other = queue.line_up(lambda: home.add("d", "e", "f"))
    queue.move()

    assert [result.status for result in one.result()] == ["created"] * 3
    refusal = other.exception()
    assert isinstance(refusal, LimitReachedError)
    assert (refusal.current, refusal.maximum) == (3, 5)
    assert home.counted() == home.active_in_the_log() == 3


def test_however_many_add_at_once_the_plan_is_never_passed(store: Store):
    together = Barrier(8)

    def add(home: Home, number: int) -> int:
        together.wait()
        try:
            added = home.add(*(f"goat-{number}-{n}" for n in range(number % 3 + 1)))
        except LimitReachedError:
            return 0
        return len(added)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(10):
            home = make_home(store, plan="free")
            answers = [threads.submit(add, home, number) for number in range(8)]
            added = sum(answer.result() for answer in answers)

            assert added == home.counted() == home.active_in_the_log()
            # A creator too many would have got its place here.
            assert added == 5


def test_a_creator_that_two_give_a_second_chance_counts_once(home: Home, queue: Queue):
    ada = home.creator("ada")
    home.disable(ada)

    def reenable() -> str:
        (result,) = reenable_creators(
            home.store,
            [ada],
            organization_id=home.organization_id,
            project_id=home.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        ).result
        return result.status

    answers = [queue.line_up(reenable) for _ in range(2)]
    queue.move()

    assert [answer.result() for answer in answers] == ["ok", "skipped"]
    assert home.counted() == home.active_in_the_log() == 1


@pytest.mark.parametrize("first", ("remove", "disable"))
def test_a_creator_that_is_removed_and_disabled_at_once_frees_one_place(
    home: Home, queue: Queue, first: str
):
    ada, _ = home.creator("ada"), home.creator("berta")

    def disable() -> object:
        verdict = c.AutoDisable(verdict="private", scrape_id=SCRAPE)
        return auto_disable_creator(home.store, ada, verdict, context=asking())

    ways: list[Callable[[], object]] = [lambda: home.remove(ada), disable]
    if first == "disable":
        ways.reverse()
    answers = [queue.line_up(way) for way in ways]
    queue.move()

    assert [answer.exception() for answer in answers] == [None, None]
    assert home.look_at(ada).status == "removed"
    assert home.counted() == home.active_in_the_log() == 1


def test_a_verdict_that_two_hand_over_at_once_disables_once(home: Home, queue: Queue):
    ada, _ = home.creator("ada"), home.creator("berta")

    def disable() -> int:
        verdict = c.AutoDisable(verdict="private", scrape_id=SCRAPE)
        return len(auto_disable_creator(home.store, ada, verdict, context=asking()))

    answers = [queue.line_up(disable) for _ in range(2)]
    queue.move()

    assert [answer.result() for answer in answers] == [1, 0]
    assert home.counted() == home.active_in_the_log() == 1


def test_of_two_changes_to_one_creator_none_is_lost(home: Home, queue: Queue):
    ada = home.creator("ada")

    def change(command: c.ChangeDetails) -> object:
        return change_creator(
            home.store,
            ada,
            [command],
            organization_id=home.organization_id,
            context=asking(),
        )

    queue.line_up(lambda: change(c.ChangeDetails(readme="# Ada")))
    last = queue.line_up(lambda: change(c.ChangeDetails(description="Counts goats")))
    queue.move()

    last.result()
    creator = home.look_at(ada)
    assert (creator.readme, creator.description) == ("# Ada", "Counts goats")


# too many at once


class Meddling(dict[str, Limits]):
    """Plans, looked up between reading and appending: just the time to meddle."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__(DEFAULT_PLANS)
        self.meddle = meddle
        self.times = 0

    def __getitem__(self, name: str) -> Limits:
        self.times += 1
        self.meddle()
        return super().__getitem__(name)


def test_whoever_loses_every_time_is_told_that_others_are_busy(
    store: Store, home: Home
):
    def meddle() -> None:
        ban_handle(store, "ada", context=asking())
        unban_handle(store, "ada", context=asking())

    plans = Meddling(meddle)

    with pytest.raises(BusyError):
        _add(home, "ada", plans=plans)

    assert plans.times == 5
    assert home.holder("ada") is None
    assert home.counted() == 0


def test_whoever_loses_four_times_gets_through(store: Store, home: Home):
    stream = home.organization_id

    def meddle() -> None:
        if plans.times < 5:
            recorded = store.load(stream)[stream]
            event = e.PlanChanged(old="unlimited", new="unlimited")
            store.append(next_events(stream, recorded, [event]), context=asking())

    plans = Meddling(meddle)

    changed = change_organization(
        store,
        stream,
        c.CreateProject(project_id=new_id(), name="Another", description=None),
        plans=plans,
        context=asking(),
    )

    assert plans.times == 5
    assert len(changed.events) == 1


def _add(home: Home, handle: str, *, plans: dict[str, Limits]) -> Executed[Additions]:
    return add_creators(
        home.store,
        [RequestedCreator(tiktok_handle=handle)],
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=plans,
        now=NOON,
        context=asking(),
    )
