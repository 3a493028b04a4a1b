"""The scheduler: requests the runs that are due, in one process at a time."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import uniform
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, class_row

from domain.organization.plans import Limits
from domain.scrape.handlers.scrapes import request_scheduled
from domain.scrape.intervals import DEFAULT_HOURS, floor_of
from infra.eventstore.append import Context
from infra.eventstore.execute import execute_once
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.loop import run_until_stopped
from workers.lease_watch import LeaseWatch
from workers.schedule import sql
from workers.schedule.due import ScheduledRun, days_of

LEASE_SECONDS = 30
ROUND_SECONDS = 10.0
# New creators and changed schedules are planned together.
PAUSE_SECONDS = 5.0
BUSY_ROUND_SECONDS = 0.5
BATCH = 500
PLAN_AT_MOST = 5_000
BEHIND_SECONDS = 60
# A tenth of the interval, either way, so that creators added together drift apart.
JITTER = 0.1

ACTOR = "schedule"
_LEASE_LOST = "GH003"
_ROWS_CHANGED = "GH004"

_log = structlog.get_logger()


class SchedulerLeaseLostError(Exception):
    """Another scheduler has the lease, so this one must not request anything."""


class Scheduler:
    """Plans the scrapes of creators, and requests the runs that are due.

    Any number of schedulers may run. The one with the lease works, and the others check
    every few seconds whether the lease has ended. None works while the schedule lags
    behind the log.
    """

    def __init__(self, store: Store, plans: Mapping[str, Limits]) -> None:
        self.holder = new_id()
        self._store = store
        self._plans = plans
        self._watch = LeaseWatch[str, str](seconds=LEASE_SECONDS)
        self._wake_up = threading.Event()

    def wake(self) -> None:
        """Look at the schedule soon; called after it changed, and at the end."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""

        def step() -> float:
            try:
                is_busy = self.round() >= BATCH
            except SchedulerLeaseLostError:
                _log.info("scheduler_lease_lost")
                return ROUND_SECONDS
            return BUSY_ROUND_SECONDS if is_busy else ROUND_SECONDS

        run_until_stopped(
            step,
            stop,
            failed="scheduler_failed",
            wake_up=self._wake_up,
            pause=PAUSE_SECONDS,
            longest_backoff=10,
            pool=self._store.pool,
        )
        self.give_up_lease()

    def round(self, now: datetime | None = None) -> int:
        """Plan and request runs that are due at ``now`` (default: the database's time).

        It does nothing while another scheduler has the lease. Returns how many rows it
        processed.

        Raises:
            SchedulerLeaseLostError: it lost the lease meanwhile.
        """
        if not self.take_lease() or not self._is_level():
            return 0
        at = self._now() if now is None else now
        planned = self.plan(at)
        due = self.due(at)
        return max(planned, self.request(due, at) if due else 0)

    def take_lease(self) -> bool:
        """Take or renew the lease; return False while another scheduler has it."""
        with self._store.pool.connection() as connection:
            found = connection.execute(sql.LEASE_END).fetchone()
            ended = self._watch.ended({"schedule": found[0]} if found else {})
            row = connection.execute(
                sql.TAKE_LEASE,
                {
                    "holder": self.holder,
                    "seconds": LEASE_SECONDS,
                    "ended": ended.get("schedule"),
                },
            ).fetchone()
        return row is not None

    def give_up_lease(self) -> None:
        """Give up the lease, if the database answers, so that another can begin."""
        try:
            with self._store.pool.connection() as connection:
                connection.execute(sql.GIVE_UP_LEASE, {"holder": self.holder})
        except psycopg.Error as error:
            _log.info("scheduler_lease_not_given_up", error=repr(error))

    def plan(self, now: datetime) -> int:
        """Plan the time of each row without one, and distribute missed rows.

        The result is the number of planned rows, at most ``PLAN_AT_MOST``.

        Raises:
            SchedulerLeaseLostError: another scheduler is at work.
        """
        with self._store.pool.connection() as connection, connection.transaction():
            self._check_lease(connection)
            changed = connection.execute(sql.SET_HOURS, self._floors()).fetchall()
            for organization_id, job_type in changed:
                connection.execute(sql.PLAN_ANEW, (organization_id, job_type))
            days = days_of(connection, now)
            limits = {"now": now, "most": PLAN_AT_MOST, "jitter": JITTER}
            planned = connection.execute(sql.PLAN, {**days, **limits}).rowcount
            connection.execute(sql.SPREAD_MISSED, limits)
        return planned

    def due(self, now: datetime) -> list[ScheduledRun]:
        """Return the due runs, oldest first, at most ``BATCH``.

        Rows that are due but may not run are put back: to be planned again if the
        window or the videos have changed, or for a while if the run before is not over.

        Raises:
            SchedulerLeaseLostError: another scheduler is at work.
        """
        with self._store.pool.connection() as connection, connection.transaction():
            self._check_lease(connection)
            days = days_of(connection, now)
            with connection.cursor(row_factory=class_row(ScheduledRun)) as cursor:
                parameters = {**days, "now": now, "most": BATCH}
                found = cursor.execute(sql.DUE, parameters).fetchall()
            _put_back(connection, [row for row in found if row.is_outside])
            for row in found:
                if row.is_open and not row.is_outside:
                    longest = timedelta(hours=row.hours) * JITTER
                    later = now + longest * uniform(0.5, 1)  # noqa: S311
                    connection.execute(sql.PUT_OFF, (later, *_key(row)))
        return [row for row in found if not (row.is_outside or row.is_open)]

    def request(self, due: Sequence[ScheduledRun], now: datetime) -> int:
        """Request the runs in one append that also removes them from the list.

        The result is their number; 0 if a row changed meanwhile, which is then read
        again.

        Raises:
            SchedulerLeaseLostError: another scheduler is at work.
        """
        taken = (
            *(self.holder, now),
            [row.organization_id for row in due],
            [row.subject_id for row in due],
            [row.job_type for row in due],
            [row.due_at for row in due],
            [row.scrape_id for row in due],
            [now + _jittered(row.hours) for row in due],
        )

        def take(cursor: Cursor[TupleRow]) -> None:
            cursor.execute(sql.TAKE_DUE, taken)

        try:
            execute_once(
                self._store,
                request_scheduled([(row.scrape_id, row.command) for row in due]),
                context=Context(actor=ACTOR, command_id=new_id()),
                before_append=take,
            )
        except AppendConflictError:
            # This time was requested before, for example before a restore, and must not
            # come again.
            with self._store.pool.connection() as connection, connection.transaction():
                _put_back(connection, due)
            return 0
        except psycopg.DatabaseError as error:
            if error.sqlstate == _LEASE_LOST:
                raise SchedulerLeaseLostError from error
            if error.sqlstate == _ROWS_CHANGED:
                return 0
            raise
        return len(due)

    def _check_lease(self, connection: Connection[TupleRow]) -> None:
        row = connection.execute(sql.CHECK_LEASE, {"holder": self.holder}).fetchone()
        if row is None:
            raise SchedulerLeaseLostError

    def _is_level(self) -> bool:
        with self._store.pool.connection() as connection:
            row = connection.execute(sql.IS_CAUGHT_UP, (BEHIND_SECONDS,)).fetchone()
        return row is not None and row[0]

    def _floors(self) -> dict[str, object]:
        floors = [
            (name, job_type, floor_of(job_type, limits) or 0, DEFAULT_HOURS[job_type])
            for name, limits in self._plans.items()
            for job_type in DEFAULT_HOURS
        ]
        names = ("plans", "job_types", "floors", "defaults")
        return dict(zip(names, map(list, zip(*floors, strict=True)), strict=True))

    def _now(self) -> datetime:
        with self._store.pool.connection() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        return datetime.now(UTC) if row is None else row[0]


def _jittered(hours: int) -> timedelta:
    return timedelta(hours=hours) * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def _put_back(connection: Connection[TupleRow], rows: Sequence[ScheduledRun]) -> None:
    for row in rows:
        connection.execute(sql.PUT_OFF, (None, *_key(row)))


def _key(row: ScheduledRun) -> tuple[UUID, UUID, str, datetime]:
    return row.organization_id, row.subject_id, row.job_type, row.due_at
