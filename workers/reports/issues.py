"""Issues: the due work of a report makes the issue of each period once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import finish_work
from application.due.worker import Turn
from application.notifications.news import notify
from application.reports.preparing import (
    OwnedReport,
    PreparedIssue,
    owned_report,
    prepared_issue,
)
from application.reports.waiting import IssueWaitsError, begin_wait, end_wait
from domain.errors import NotFoundError
from domain.organization.plans import Limits
from domain.report.handlers import change_report
from domain.report.waiting import WITHHELD_AT_MOST, WaitReason
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id

ACTOR: Final = "policy:reports"
# A time zone that changes is noticed after a day at the latest.
LONGEST_WAIT: Final = timedelta(days=1)
_PATIENCE_SECONDS: Final = 10.0
_BETWEEN_TRIES: Final = timedelta(seconds=15)
_WAITS_SINCE: Final = "SELECT since FROM report_waits WHERE report_id = %s"
_RESTORED: Final = "SELECT EXISTS (SELECT FROM restores WHERE at >= %s)"


class ReportIssues:
    """Makes issues that fell due, in the order of their times.

    After days off each missed period gets its issue, and only the newest one is sent.
    One that fell due before a restore is not sent either: its recipients may have got
    it, or have unsubscribed, since the backup.
    One whose numbers would lack something waits, for two hours at the longest.
    The issue, its mails and the time of the next turn are in one transaction, so that a
    worker that is killed has done none of them.
    """

    def __init__(self, store: Store, plans: Mapping[str, Limits]) -> None:
        self._store = store
        self._plans = plans

    def handle(self, turn: Turn) -> None:
        """Do the turn of a report, whose id is the key of the work.

        A report that is gone or switched off is not looked at again before it changes.
        """
        now, report_id = turn.work.taken_at, UUID(turn.work.key)
        wait = self._wait_of(report_id)
        try:
            of = owned_report(self._store, self._plans, report_id)
        except NotFoundError:
            return
        due_at = of.report.due_at(of.time_zone)
        if due_at is None:
            self._finish(turn, None)
        elif due_at > now:
            self._finish(turn, min(due_at, now + LONGEST_WAIT))
        else:
            is_over = wait is not None and wait + WITHHELD_AT_MOST <= now
            self._issue(turn, of, due_at, now=now, is_wait_over=is_over)

    def _issue(
        self,
        turn: Turn,
        of: OwnedReport,
        due_at: datetime,
        *,
        now: datetime,
        is_wait_over: bool,
    ) -> None:
        following = of.report.schedule(of.time_zone).due_after(due_at)
        is_newest = following > now
        is_mailed = is_newest and not self._was_restored_since(due_at)
        try:
            prepared = prepared_issue(
                self._store,
                of,
                due_at=due_at,
                is_mailed=is_mailed,
                patience=_PATIENCE_SECONDS,
                even_incomplete=is_wait_over,
            )
        except IssueWaitsError as waits:
            self._wait(turn, of, waits.because, next_at=now + _BETWEEN_TRIES)
            return
        except NotFoundError:
            # The thing may come back, as a creator or an archived project does.
            self._finish(turn, now + LONGEST_WAIT)
            return
        execute(
            self._store,
            partial(
                change_report,
                of.id,
                prepared.command,
                organization_id=of.report.organization_id,
                expected_versions={prepared.version},
            ),
            context=Context(actor=ACTOR, command_id=new_id()),
            in_transaction=partial(
                self._within,
                turn,
                of,
                prepared,
                min(following, now + LONGEST_WAIT),
                is_newest,
                is_mailed,
            ),
        )

    def _within(
        self,
        turn: Turn,
        of: OwnedReport,
        prepared: PreparedIssue,
        next_at: datetime,
        is_newest: bool,  # noqa: FBT001 - bound by partial
        is_mailed: bool,  # noqa: FBT001 - likewise
        cursor: Cursor[TupleRow],
        done: Executed[UUID],  # noqa: ARG002 - as execute calls it
    ) -> None:
        finish_work(cursor, turn.work, next_at=next_at)
        end_wait(cursor, of.id)
        if not is_newest:
            return
        prepared.send(cursor, self._store)
        unsent = "" if is_mailed else ", and was not sent after the restore"
        scope = of.report.scope
        notify(
            cursor,
            of.report.organization_id,
            kind="report",
            title=f"A {of.report.period} report is ready{unsent}",
            path=f"/reports/{of.id}/issues/{of.report.issues + 1}",
            project_id=scope.id if scope.type == "project" else None,
        )

    def _was_restored_since(self, due_at: datetime) -> bool:
        with self._store.pool.connection() as connection:
            row = connection.execute(_RESTORED, (due_at,)).fetchone()
        return row is not None and row[0]

    def _wait_of(self, report_id: UUID) -> datetime | None:
        with self._store.pool.connection() as connection:
            row = connection.execute(_WAITS_SINCE, (report_id,)).fetchone()
        return None if row is None else row[0]

    def _wait(
        self, turn: Turn, of: OwnedReport, because: WaitReason, *, next_at: datetime
    ) -> None:
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            finish_work(cursor, turn.work, next_at=next_at)
            report = of.report
            begin_wait(cursor, report.organization_id, of.id, report.scope, because)

    def _finish(self, turn: Turn, next_at: datetime | None) -> None:
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            finish_work(cursor, turn.work, next_at=next_at)
            end_wait(cursor, UUID(turn.work.key))
