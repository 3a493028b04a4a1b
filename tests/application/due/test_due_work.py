"""Due work is done once a turn, in order, after kills and after days off."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from application.due.holder import LeaseHolder
from application.due.turns import every, only_once
from application.due.work import (
    DueWork,
    WorkLostError,
    cancel_work,
    finish_work,
    plan_now,
    plan_work,
    take_work,
)
from application.due.worker import DueKind, DueWorker, Turn
from infra.backoff import Backoff
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.backends import listeners
from tests.kit.builders import opened_store
from tests.kit.faults import victim
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.threads import due_done

DAY = timedelta(days=1)
LEASE = timedelta(minutes=5)
SOON = Backoff(0.05, longest=0.05, spread=(1.0, 1.0))
DAYS_OFF, KEYS = 40, ("ada", "berta", "carla")
TURNS = (DAYS_OFF + 1) * len(KEYS)
_DONE = """
CREATE TABLE done (number bigserial, kind text, key text, due_at timestamptz)
"""


def present(store: Store) -> datetime:
    with store.pool.connection() as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


def plan(store: Store, kind: str, key: str, due_at: datetime) -> None:
    with store.pool.connection() as connection:
        plan_work(connection.cursor(), kind, key, due_at=due_at)


def planned(store: Store, kind: str) -> dict[str, datetime]:
    with store.pool.connection() as connection:
        rows = connection.execute(
            "SELECT key, due_at FROM due_work WHERE kind = %s", (kind,)
        )
        return dict(rows.fetchall())


def done(store: Store, kind: str) -> list[tuple[str, datetime]]:
    with store.pool.connection() as connection:
        return connection.execute(
            "SELECT key, due_at FROM done WHERE kind = %s ORDER BY number", (kind,)
        ).fetchall()


def noting(store: Store) -> Callable[[Turn], None]:
    """Note a turn in the transaction that finishes it."""

    def note(turn: Turn) -> None:
        work = turn.work
        with store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(
                "INSERT INTO done (kind, key, due_at) VALUES (%s, %s, %s)",
                (work.kind, work.key, work.due_at),
            )
            turn.finish(cursor)

    return note


def work_until_killed(url: str, posts: str) -> None:
    """Note turns here, and send posts to a file."""
    with opened_store(url) as store:

        def send(turn: Turn) -> None:
            with Path(posts).open("a") as file:
                file.write(f"{turn.work.key}\n")

        short = timedelta(seconds=0.5)
        each = DueKind(
            name="each",
            handle=noting(store),
            next_turn=every(DAY, missed="each"),
            lease=short,
        )
        sent = DueKind(name="post", handle=send, lease=short)
        with due_done(url, store.pool, each, sent):
            threading.Event().wait()


def test_killed_workers_do_each_missed_turn_once_and_in_order(
    database_url: str, tmp_path: Path
):
    posts = tmp_path / "posts"
    posts.touch()
    with opened_store(database_url) as store:
        with store.pool.connection() as connection:
            connection.execute(_DONE)
        now = present(store)
        for minute, key in enumerate(KEYS):
            began = now - DAYS_OFF * DAY - timedelta(minutes=minute + 1)
            plan(store, "each", key, began)
        for number in range(200):
            plan(store, "post", str(number), now)

        killed_at: list[int] = []
        for part in (0.02, 0.3, 0.6):
            with victim(work_until_killed, database_url, str(posts)) as process:
                assert wait_until(
                    lambda part=part: len(done(store, "each")) > part * TURNS,
                    seconds=PATIENTLY,
                )
                process.kill()
            killed_at.append(len(done(store, "each")))
        with victim(work_until_killed, database_url, str(posts)):
            assert wait_until(
                lambda: (
                    len(done(store, "each")) >= TURNS and not planned(store, "post")
                ),
                seconds=PATIENTLY,
            )
        turns = done(store, "each")
        following = planned(store, "each")

    assert killed_at[0] < TURNS
    assert set(Counter(turns).values()) == {1}
    assert len(turns) == TURNS
    for key in KEYS:
        own = [due_at for each, due_at in turns if each == key]
        assert own == [own[0] + number * DAY for number in range(DAYS_OFF + 1)]
    assert all(due_at > now for due_at in following.values())
    assert {*posts.read_text().split()} == {str(number) for number in range(200)}


def test_turns_that_were_missed_are_made_up_for_by_one_or_by_each():
    monday = datetime(2026, 3, 2, 8, tzinfo=UTC)
    back = monday + 10 * DAY + timedelta(hours=1)

    assert every(DAY, missed="each")(monday, back) == monday + DAY
    assert every(DAY, missed="once")(monday, back) == monday + 11 * DAY
    assert every(DAY, missed="once")(monday, monday) == monday + DAY
    assert every(DAY, missed="once")(monday, monday + DAY) == monday + 2 * DAY
    assert only_once(monday, back) is None


def test_work_is_done_in_the_order_in_which_it_fell_due(store: Store):
    now = present(store)
    order: list[str] = []
    kind = DueKind(name="ordered", handle=lambda turn: order.append(turn.work.key))
    for hours, key in ((1, "third"), (3, "first"), (2, "second"), (-1, "later")):
        plan(store, "ordered", key, now - timedelta(hours=hours))
    worker = DueWorker(store.pool, kind)

    while worker.do_next():
        pass

    assert order == ["first", "second", "third"]
    assert list(planned(store, "ordered")) == ["later"]


def test_a_slow_kind_delays_no_other_and_is_done_as_often_at_once_as_it_says(
    store: Store, database_url: str
):
    now, go_on = present(store), threading.Event()
    slow: list[str] = []
    quick: list[str] = []

    def wait(turn: Turn) -> None:
        slow.append(turn.work.key)
        go_on.wait(PATIENTLY)

    kinds = (
        DueKind(name="slow", handle=wait, at_once=2),
        DueKind(name="quick", handle=lambda turn: quick.append(turn.work.key)),
    )
    for number in range(5):
        plan(store, "slow", str(number), now)
        plan(store, "quick", str(number), now)
    with due_done(database_url, store.pool, *kinds):
        assert wait_until(lambda: len(quick) == 5 and len(slow) == 2, seconds=PATIENTLY)
        started = len(slow)
        go_on.set()
        assert wait_until(lambda: not planned(store, "slow"), seconds=PATIENTLY)
    assert started == 2
    assert sorted(slow) == sorted(quick) == ["0", "1", "2", "3", "4"]


def test_failed_work_is_tried_again_and_others_do_not_wait(store: Store):
    now = present(store)
    tried: list[tuple[str, int]] = []

    def handle(turn: Turn) -> None:
        tried.append((turn.work.key, turn.work.tries))
        if turn.work.key == "bad" and turn.work.tries < 3:
            raise RuntimeError

    plan(store, "failing", "bad", now - DAY)
    plan(store, "failing", "good", now)
    later = DueKind(name="failing", handle=handle, backoff=Backoff(DAY.total_seconds()))
    soon = DueKind(name="failing", handle=handle, backoff=SOON)

    assert [DueWorker(store.pool, later).do_next() for _ in range(3)] == [
        True,
        True,
        False,
    ]
    with store.pool.connection() as connection:
        connection.execute("UPDATE due_work SET not_before = now()")
    worker = DueWorker(store.pool, soon)

    def all_done() -> bool:
        worker.do_next()
        return not planned(store, "failing")

    assert wait_until(all_done, seconds=PATIENTLY)
    assert tried == [("bad", 1), ("good", 1), ("bad", 2), ("bad", 3)]


def test_work_that_was_moved_or_cancelled_meanwhile_is_not_finished(store: Store):
    now = present(store)
    lost: list[str] = []
    for key in ("moved", "cancelled"):
        plan(store, "changed", key, now)
    taken = [take_work(store.pool, "changed", lease=LEASE) for _ in range(2)]
    plan(store, "changed", "moved", now + DAY)
    with store.pool.connection() as connection:
        cancel_work(connection.cursor(), "changed", "cancelled")

    for work in taken:
        assert work is not None
        try:
            with store.pool.connection() as connection:
                finish_work(connection.cursor(), work, next_at=None)
        except WorkLostError:
            lost.append(work.key)

    assert sorted(lost) == ["cancelled", "moved"]
    assert planned(store, "changed") == {"moved": now + DAY}


def test_works_that_always_exist_are_planned_once(store: Store):
    kind = DueKind(
        name="always",
        handle=lambda _: None,
        next_turn=every(DAY, missed="once"),
        keys=("installation",),
    )
    worker = DueWorker(store.pool, kind)
    worker.plan()
    first = planned(store, "always")
    worker.plan()
    again = planned(store, "always")
    worker.do_next()
    worker.plan()

    assert again == first
    assert planned(store, "always") == {"installation": first["installation"] + DAY}


def take_until_killed(url: str) -> None:
    """Take work with a lease of a day, and hang."""
    with opened_store(url) as store:
        holder = LeaseHolder(url)
        for _ in range(2):
            take_work(store.pool, "held", lease=DAY, holder=holder.number())
        threading.Event().wait()


def test_a_lease_ends_with_the_process_that_holds_it(database_url: str):
    with opened_store(database_url) as store:
        for key in ("held", "put off"):
            plan(store, "held", key, present(store))

        def taken() -> list[str]:
            with store.pool.connection() as connection:
                rows = connection.execute(
                    "SELECT key FROM due_work WHERE lease IS NOT NULL"
                )
                return [key for (key,) in rows]

        with victim(take_until_killed, database_url) as process:
            assert wait_until(lambda: len(taken()) == 2, seconds=PATIENTLY)
            meanwhile = take_work(store.pool, "held", lease=LEASE)
            with store.pool.connection() as connection:
                connection.execute(
                    "UPDATE due_work SET lease = NULL WHERE key = 'put off'"
                )
            process.kill()
        again: list[DueWork] = []

        def is_taken() -> bool:
            work = take_work(store.pool, "held", lease=LEASE)
            again.extend([] if work is None else [work])
            return bool(again)

        assert wait_until(is_taken, seconds=PATIENTLY)
        last = take_work(store.pool, "held", lease=LEASE)

    assert meanwhile is None
    assert [(work.key, work.tries) for work in again] == [("held", 2)]
    assert last is None, "a wait after a failure lasts longer than the process"


def test_planning_now_leaves_planned_and_taken_work_as_it_is(store: Store):
    now = present(store)
    plan(store, "kept", "later", now + DAY)
    plan(store, "kept", "taken", now - DAY)
    work = take_work(store.pool, "kept", lease=LEASE)
    with store.pool.connection() as connection:
        plan_now(connection.cursor(), "kept", ["later", "new", "taken", "new"])
    assert work is not None
    with store.pool.connection() as connection:
        finish_work(connection.cursor(), work, next_at=None)
    new = take_work(store.pool, "kept", lease=LEASE, key="new")

    assert new is not None
    assert take_work(store.pool, "kept", lease=LEASE, key="later") is None
    assert planned(store, "kept") == {"later": now + DAY, "new": new.due_at}


def test_planned_work_is_done_at_once_and_later_work_at_its_time(
    store: Store, database_url: str
):
    done: list[str] = []
    kind = DueKind(name="noticed", handle=lambda turn: done.append(turn.work.key))
    with due_done(database_url, store.pool, kind):
        # The first look finds nothing, so nothing else causes another one for a minute.
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        plan(store, "noticed", "later", present(store) + timedelta(seconds=1.5))
        plan(store, "noticed", "now", present(store))
        first = wait_until(lambda: done == ["now"], seconds=at_most(20))
        both = wait_until(lambda: done == ["now", "later"], seconds=at_most(20))

    assert (first, both) == (True, True)
