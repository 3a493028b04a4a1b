"""The workers of due work: loops of their own for each kind."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from msgspec import Struct
from psycopg import Cursor

from application.due.holder import LeaseHolder
from application.due.turns import NextTurn, only_once
from application.due.work import (
    DueWork,
    WorkLostError,
    finish_work,
    next_due,
    plan_now,
    put_off_work,
    take_work,
)
from infra.backoff import Backoff
from infra.database import Pool
from infra.loop import rest_until, run_until_stopped

ROUND_SECONDS = 1.0

_log = structlog.get_logger()


class Turn:
    """One turn of some work, as its handler does it.

    A handler that changes this database calls ``finish`` in the same transaction, so
    that the change happens once. A handler with effects elsewhere does not call it: its
    turn is finished afterwards, and is done again if the process dies before.
    """

    def __init__(self, work: DueWork, next_turn: NextTurn) -> None:
        self.work = work
        self._next_turn = next_turn

    def finish(self, cursor: Cursor[Any]) -> None:
        """Finish the turn in the transaction of ``cursor``.

        Raises:
            WorkLostError: the work is no longer this worker's; nothing may be done.
        """
        next_at = self._next_turn(self.work.due_at, self.work.taken_at)
        finish_work(cursor, self.work, next_at=next_at)


class DueKind(Struct, frozen=True, kw_only=True):
    """A kind of due work: its handler, its turns and its limits.

    ``at_once`` turns are done at the same time by one process, and a handler must end
    within ``lease``, or renew it. ``keys`` are works that always exist, due from the
    first start on.
    """

    name: str
    handle: Callable[[Turn], None]
    next_turn: NextTurn = only_once
    at_once: int = 1
    lease: timedelta = timedelta(minutes=5)
    backoff: Backoff = Backoff(5.0, longest=1_800.0)
    keys: Sequence[str] = ()


class DueWorker:
    """Does the work of one kind in the order of due times, and tries again.

    Any number may run. A slow kind delays no other, because each has its own threads.
    """

    def __init__(
        self, pool: Pool, kind: DueKind, *, holder: LeaseHolder | None = None
    ) -> None:
        self._pool = pool
        self._kind = kind
        self._holder = holder
        self._wake_up = threading.Event()

    def wake(self) -> None:
        """Look for due work now; called when work was planned, and at the end."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database.

        Without work the worker waits until it is woken, or until work falls due.
        """
        is_planned = False

        def step() -> float:
            nonlocal is_planned
            if not is_planned:
                self.plan()
                is_planned = True
            while not stop.is_set() and self.do_next():
                pass
            due_in = next_due(self._pool, self._kind.name)
            return rest_until(due_in, least=ROUND_SECONDS)

        run_until_stopped(
            step,
            stop,
            failed="due_work_failed",
            wake_up=self._wake_up,
            # Work that is planned by many events in a row costs one look.
            pause=ROUND_SECONDS,
            pool=self._pool,
            kind=self._kind.name,
        )

    def plan(self) -> None:
        """Plan the works that always exist, unless they are planned."""
        with self._pool.connection() as connection:
            plan_now(connection.cursor(), self._kind.name, self._kind.keys)

    def do_next(self, key: str | None = None) -> bool:
        """Do the turn that fell due first, or that of a key; False if none is due."""
        kind = self._kind
        holder = None if self._holder is None else self._holder.number()
        work = take_work(
            self._pool, kind.name, lease=kind.lease, key=key, holder=holder
        )
        if work is None:
            return False
        turn = Turn(work, kind.next_turn)
        try:
            kind.handle(turn)
            # A turn that the handler has finished is no longer this worker's.
            with suppress(WorkLostError), self._pool.connection() as connection:
                turn.finish(connection.cursor())
        except WorkLostError:
            _log.info("due_work_lost", kind=work.kind, key=work.key)
        except Exception as error:  # noqa: BLE001 - other work must not wait for it
            put_off_work(self._pool, work, seconds=kind.backoff.seconds(work.tries))
            _log.warning(
                "due_work_put_off",
                kind=work.kind,
                key=work.key,
                error=repr(error),
                tries=work.tries,
            )
        return True


class DueWorkers:
    """The workers of several kinds, each in a thread of its own."""

    def __init__(
        self,
        pool: Pool,
        kinds: Sequence[DueKind],
        *,
        holder: LeaseHolder | None = None,
    ) -> None:
        self._workers = [
            DueWorker(pool, kind, holder=holder)
            for kind in kinds
            for _ in range(kind.at_once)
        ]

    def wake(self) -> None:
        """Look for due work now; called when work was planned, and at the end."""
        for worker in self._workers:
            worker.wake()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set and the workers are woken."""
        threads = [
            threading.Thread(target=worker.run, args=(stop,), daemon=True)
            for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
